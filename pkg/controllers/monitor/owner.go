// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"kite.dev/kite/pkg/issuemonitor"
)

const (
	// maxChain is how many controllers of controllers are followed.
	maxChain = 8
	// rememberedOwners is how many answers are kept, each about 300 bytes.
	rememberedOwners = 10_000
	// forgotten is how long an answer is believed. That an object is adopted by another
	// controller is rare.
	forgotten = 10 * time.Minute
)

// owners find the controller of an object's controller and so on.
type owners struct {
	objects metadata.Interface
	mapper  meta.RESTMapper
	clock   clock.PassiveClock
	// known are the controllers of controllers by their UID.
	known *lru.Cache
}

// known is the controller of an object; nil where it has none.
type known struct {
	controller *metav1.OwnerReference
	at         time.Time
}

func newOwners(objects metadata.Interface, mapper meta.RESTMapper, clock clock.PassiveClock) *owners {
	return &owners{objects: objects, mapper: mapper, clock: clock, known: lru.New(rememberedOwners)}
}

// of is the end of the object's chain of controllers in its namespace.
func (o *owners) of(ctx context.Context, obj *unstructured.Unstructured) (issuemonitor.Owner, error) {
	kind := obj.GroupVersionKind()
	out := issuemonitor.Owner{APIGroup: kind.Group, Kind: kind.Kind, Name: obj.GetName(), UID: string(obj.GetUID())}
	next := metav1.GetControllerOf(obj)
	for range maxChain {
		if next == nil {
			return out, nil
		}
		group, err := schema.ParseGroupVersion(next.APIVersion)
		if err != nil {
			return out, fmt.Errorf("read the owner of %s: %w", obj.GetName(), err)
		}
		mapping, err := o.mapper.RESTMapping(group.WithKind(next.Kind).GroupKind(), group.Version)
		if meta.IsNoMatchError(err) || err == nil && mapping.Scope.Name() != meta.RESTScopeNameNamespace {
			return out, nil // what the cluster does not serve, or what is of no namespace, is no scope
		}
		if err != nil {
			return out, fmt.Errorf("find the kind of the owner %s %s: %w", next.Kind, next.Name, err)
		}
		out = issuemonitor.Owner{APIGroup: group.Group, Kind: next.Kind, Name: next.Name, UID: string(next.UID)}
		if next, err = o.controllerOf(ctx, mapping.Resource, obj.GetNamespace(), next); err != nil {
			return out, err
		}
	}
	return out, nil
}

// controllerOf asks for an owner's own controller. One that is gone has none.
func (o *owners) controllerOf(
	ctx context.Context, resource schema.GroupVersionResource, namespace string, owner *metav1.OwnerReference,
) (*metav1.OwnerReference, error) {
	now := o.clock.Now()
	if found, ok := o.known.Get(owner.UID); ok {
		if answer, ok := found.(known); ok && now.Sub(answer.at) < forgotten {
			return answer.controller, nil
		}
	}
	object, err := o.objects.Resource(resource).Namespace(namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && object.UID != owner.UID:
		o.known.Add(owner.UID, known{at: now})
		return nil, nil //nolint:nilnil // see above
	case err != nil:
		return nil, fmt.Errorf("read the owner %s %s: %w", owner.Kind, owner.Name, err)
	}
	controller := metav1.GetControllerOf(object)
	o.known.Add(owner.UID, known{controller, now})
	return controller, nil
}
