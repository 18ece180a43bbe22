// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/restmapper"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// renewal is how long the cluster's answers about a kind are believed. Whoever invents
// kinds in issues costs the cluster no more than that.
const renewal = time.Minute

// kinds watches the metadata of the kinds that issues need, and of no others.
type kinds struct {
	clients *Clients
	clock   clock.PassiveClock
	// gone is called with every object that was seen and is deleted.
	gone func(kind schema.GroupKind, object *metav1.PartialObjectMetadata)

	running sync.WaitGroup
	// mu guards the map. Only the goroutine that calls need writes.
	mu      sync.Mutex
	watches map[schema.GroupKind]*watch

	// What the cluster served at that time, and why the controller may not watch it; empty
	// where it may.
	asked    time.Time
	served   apimeta.RESTMapperWithContext
	refusals map[schema.GroupKind]string
}

// need starts and stops watches until there is one for each of the kinds that are served
// and that the controller may watch.
func (k *kinds) need(ctx context.Context, needed map[schema.GroupKind]bool) {
	k.prune(ctx, needed)
	missing := k.missing(needed)
	if len(missing) == 0 {
		return
	}
	if err := k.renew(ctx); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Issues are not resolved when their scope is deleted, trying again")
		return
	}
	for _, kind := range missing {
		k.mend(ctx, kind)
	}
}

func (k *kinds) prune(ctx context.Context, needed map[schema.GroupKind]bool) {
	for kind, w := range k.watches {
		if !needed[kind] {
			ctrl.LoggerFrom(ctx).Info("No issue needs this kind any longer, its watch ends", "kind", kind.String())
			w.end()
			k.keep(kind, nil)
		}
	}
}

// missing are the kinds that have no watch, or one that fails: its version may be served no
// longer, or the right to it withdrawn.
func (k *kinds) missing(needed map[schema.GroupKind]bool) []schema.GroupKind {
	var out []schema.GroupKind
	for kind := range needed {
		if w := k.watches[kind]; !w.alive() || w.failing.Load() {
			out = append(out, kind)
		}
	}
	return out
}

// mend watches what a kind is served as. What cannot be watched now is not forgotten: what
// goes meanwhile is found when it can be again.
func (k *kinds) mend(ctx context.Context, kind schema.GroupKind) {
	log, last := ctrl.LoggerFrom(ctx).WithValues("kind", kind.String()), k.watches[kind]
	resource, err := k.resource(ctx, kind)
	switch {
	case err != nil && last.alive():
		log.Info("This kind cannot be watched any longer, its watch ends", "reason", err.Error())
		last.end()
	case err != nil:
		log.V(1).Info("Issues of this kind are not resolved when their scope is deleted", "reason", err.Error())
	case last.alive() && last.resource == resource:
		last.failing.Store(false) // it goes on trying
	default:
		log.Info("Issues need this kind, watching it", "resource", resource.String())
		k.start(ctx, kind, resource)
	}
}

// keep keeps the watch of a kind, or none.
func (k *kinds) keep(kind schema.GroupKind, w *watch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w == nil {
		delete(k.watches, kind)
		return
	}
	k.watches[kind] = w
}

// watched is what a kind is, or was last, watched as.
func (k *kinds) watched(kind schema.GroupKind) (schema.GroupVersionResource, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.watches[kind]
	if w == nil {
		return schema.GroupVersionResource{}, false
	}
	return w.resource, true
}

// resource is what a kind is served as, if the controller may watch it.
func (k *kinds) resource(ctx context.Context, kind schema.GroupKind) (schema.GroupVersionResource, error) {
	none := schema.GroupVersionResource{}
	mapping, err := k.served.RESTMappingWithContext(ctx, kind)
	if err != nil {
		return none, err
	}
	if mapping.Scope.Name() != apimeta.RESTScopeNameNamespace {
		return none, fmt.Errorf("%s is not namespaced", kind)
	}
	refusal, known := k.refusals[kind]
	if !known {
		if refusal, err = k.refusal(ctx, mapping.Resource); err != nil {
			return none, err
		}
		k.refusals[kind] = refusal
	}
	if refusal != "" {
		return none, errors.New(refusal)
	}
	return mapping.Resource, nil
}

// renew asks for all that the cluster serves, when the last answer is old.
func (k *kinds) renew(ctx context.Context) error {
	now := k.clock.Now()
	if k.served != nil && now.Sub(k.asked) < renewal {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	groups, err := restmapper.GetAPIGroupResourcesWithContext(ctx, k.clients.Discovery)
	if err != nil {
		return fmt.Errorf("ask what the cluster serves: %w", err)
	}
	k.asked, k.served = now, restmapper.NewDiscoveryRESTMapperWithContext(groups)
	k.refusals = map[schema.GroupKind]string{}
	return nil
}

// refusal says why the controller may not watch a resource; it is empty when it may.
func (k *kinds) refusal(ctx context.Context, resource schema.GroupVersionResource) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, verb := range []string{"get", "list", "watch"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Group: resource.Group, Resource: resource.Resource},
		}}
		answer, err := k.clients.Access.Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return "", fmt.Errorf("ask for the right to %s %s: %w", verb, resource.GroupResource(), err)
		}
		if !answer.Status.Allowed {
			return fmt.Sprintf("may not %s %s: grant it by a ClusterRole with the label kite.dev/aggregate-to-monitor-sources", verb, resource.GroupResource()), nil
		}
	}
	return "", nil
}

func (k *kinds) start(ctx context.Context, kind schema.GroupKind, resource schema.GroupVersionResource) {
	last := k.watches[kind]
	w := newWatch(k.clients.Metadata, resource, func(object *metav1.PartialObjectMetadata) { k.gone(kind, object) })
	ctx, w.stop = context.WithCancel(ctx)
	k.keep(kind, w)
	k.running.Go(func() { w.informer.RunWithContext(ctx) })
	if last != nil {
		last.end()
		k.running.Go(func() { w.follow(ctx, last) })
	}
}

// end stops all watches, and waits for them.
func (k *kinds) end() {
	for _, w := range k.watches {
		w.stop()
	}
	k.running.Wait()
}
