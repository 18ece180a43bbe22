// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kite.dev/kite/pkg/issuemonitor"
)

// errAdopted is of an object that has another controller than it had when its owner was asked
// for, or was made anew.
var errAdopted = errors.New("its owner has changed meanwhile")

// ownership is what was found out about an object's owner, before its turn: the API may take its
// time to answer.
type ownership struct {
	// of is what the question was about; nil where it was not asked.
	of    *unstructured.Unstructured
	owner issuemonitor.Owner
	err   error
}

// ownershipOf asks for the owner where the monitor's expressions do.
func (w *watcher) ownershipOf(ctx context.Context, obj *unstructured.Unstructured) ownership {
	if obj == nil || !w.compiled.ReadsOwner() || !w.watches(obj.GetNamespace()) {
		return ownership{}
	}
	of := referenceOf(obj)
	owner, err := w.c.owners.of(ctx, of)
	return ownership{of, owner, err}
}

// referenceOf has what an owner is found by. The object itself, which may be large, is not kept
// for as long as that takes.
func referenceOf(obj *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(obj.GroupVersionKind())
	out.SetNamespace(obj.GetNamespace())
	out.SetName(obj.GetName())
	out.SetUID(obj.GetUID())
	if controller := metav1.GetControllerOf(obj); controller != nil {
		out.SetOwnerReferences([]metav1.OwnerReference{*controller})
	}
	return out
}

// input is what expressions see of an object.
func (w *watcher) input(obj *unstructured.Unstructured, o *ownership) (issuemonitor.Input, error) {
	in := issuemonitor.Input{Object: obj, Owner: o.owner}
	if !w.compiled.ReadsOwner() || o.err != nil {
		return in, o.err
	}
	if o.of == nil || !equality.Semantic.DeepEqual(o.of.Object, referenceOf(obj).Object) {
		return in, errAdopted
	}
	return in, nil
}
