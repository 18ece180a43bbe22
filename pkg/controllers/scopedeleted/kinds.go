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
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
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
	gone func(resource schema.GroupVersionResource, kind schema.GroupKind, object *metav1.PartialObjectMetadata)

	running sync.WaitGroup
	stops   map[schema.GroupKind]context.CancelFunc

	// What the cluster served at that time, and why the controller may not watch it; empty
	// where it may.
	asked    time.Time
	served   apimeta.RESTMapperWithContext
	refusals map[schema.GroupKind]string
}

// need starts and stops watches until there is one for each of the kinds that are served
// and that the controller may watch.
func (k *kinds) need(ctx context.Context, needed map[schema.GroupKind]bool) {
	log := ctrl.LoggerFrom(ctx)
	for kind, stop := range k.stops {
		if !needed[kind] {
			log.Info("No issue needs this kind any longer, its watch ends", "kind", kind.String())
			stop()
			delete(k.stops, kind)
		}
	}
	if len(needed) == len(k.stops) {
		return
	}
	if err := k.renew(ctx); err != nil {
		log.Error(err, "Issues are not resolved when their scope is deleted, trying again")
		return
	}
	for kind := range needed {
		if k.stops[kind] != nil {
			continue
		}
		resource, err := k.resource(ctx, kind)
		if err != nil {
			log.V(1).Info("Issues of this kind are not resolved when their scope is deleted", "kind", kind.String(), "reason", err.Error())
			continue
		}
		log.Info("Issues need this kind, watching it", "kind", kind.String())
		k.start(ctx, kind, resource)
	}
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
	ctx, k.stops[kind] = context.WithCancel(ctx)
	informer := metadatainformer.NewFilteredMetadataInformer(k.clients.Metadata, resource, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	gone := func(obj any) {
		if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = unknown.Obj
		}
		if object, ok := obj.(*metav1.PartialObjectMetadata); ok {
			k.gone(resource, kind, object)
		}
	}
	_ = informer.SetTransform(slimObject)
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		// One of the same name that came while the watch was interrupted is another object.
		UpdateFunc: func(old, obj any) {
			before, ok := old.(*metav1.PartialObjectMetadata)
			if after, isObject := obj.(*metav1.PartialObjectMetadata); ok && isObject && before.UID != after.UID {
				gone(before)
			}
		},
		DeleteFunc: gone,
	})
	k.running.Go(func() { informer.RunWithContext(ctx) })
}

// end stops all watches, and waits for them.
func (k *kinds) end() {
	for _, stop := range k.stops {
		stop()
	}
	k.running.Wait()
}
