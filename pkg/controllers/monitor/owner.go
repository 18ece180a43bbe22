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
	"k8s.io/apimachinery/pkg/types"
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
	// known are the controllers of owners.
	known *lru.Cache
	// unserved are kinds that the cluster does not serve, and until when that is believed. To
	// find out takes a request.
	unserved *lru.Cache
}

// ownerKey is what a reference says, which may be false: of its UID alone, whoever writes
// an object could tell about the owners of others.
type ownerKey struct {
	resource        schema.GroupVersionResource
	namespace, name string
	uid             types.UID
}

// known is the controller of an object; nil where it has none.
type known struct {
	controller *metav1.OwnerReference
	until      time.Time
}

func newOwners(objects metadata.Interface, mapper meta.RESTMapper, clock clock.PassiveClock) *owners {
	return &owners{objects: objects, mapper: mapper, clock: clock, known: lru.New(rememberedOwners), unserved: lru.New(rememberedOwners)}
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
		mapping, err := o.mapping(group.WithKind(next.Kind))
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

// mapping is how a kind is served. An object may name any kind as its owner's.
func (o *owners) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	now := o.clock.Now()
	found, _ := o.unserved.Get(kind)
	if until, _ := found.(time.Time); now.Before(until) {
		return nil, &meta.NoKindMatchError{GroupKind: kind.GroupKind(), SearchedVersions: []string{kind.Version}}
	}
	out, err := o.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		o.unserved.Add(kind, now.Add(renewal))
	}
	return out, err
}

// controllerOf asks for an owner's own controller. One that is gone has none, and so has one
// that may not be read, unless it was read before: a right that is missing for a moment
// changes nothing.
func (o *owners) controllerOf(
	ctx context.Context, resource schema.GroupVersionResource, namespace string, owner *metav1.OwnerReference,
) (*metav1.OwnerReference, error) {
	now, key := o.clock.Now(), ownerKey{resource, namespace, owner.Name, owner.UID}
	found, _ := o.known.Get(key)
	last, _ := found.(known)
	if now.Before(last.until) {
		return last.controller, nil
	}
	object, err := o.get(ctx, resource, namespace, owner.Name)
	next := known{until: now.Add(forgotten)}
	switch {
	case apierrors.IsForbidden(err):
		next = known{last.controller, now.Add(renewal)}
	case apierrors.IsNotFound(err), err == nil && object.UID != owner.UID:
	case err != nil:
		return nil, fmt.Errorf("read the owner %s %s: %w", owner.Kind, owner.Name, err)
	default:
		next.controller = metav1.GetControllerOf(object)
	}
	o.known.Add(key, next)
	return next.controller, nil
}

// uidOf is the UID of an object of a namespace.
func (o *owners) uidOf(ctx context.Context, kind schema.GroupKind, namespace, name string) (types.UID, error) {
	mapping, err := o.mapper.RESTMapping(kind)
	if err != nil || mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return "", err
	}
	object, err := o.get(ctx, mapping.Resource, namespace, name)
	if err != nil {
		return "", err
	}
	return object.UID, nil
}

func (o *owners) get(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return o.objects.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
}
