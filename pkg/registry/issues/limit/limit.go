// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package limit bounds how many objects of a kind a namespace has.
package limit

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
)

// PerNamespace is for objects with expressions, which kite-controllers and kite-gateway keep
// compiled, each up to half a megabyte. A ResourceQuota can allow less.
const PerNamespace = 100

// OnCreate refuses one more with 403, as a quota does. Those that are created at one moment do
// not see each other. What has no namespace is not limited.
func OnCreate(store *genericregistry.Store, next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if err := check(ctx, store); err != nil || next == nil {
			return err
		}
		return next(ctx, obj)
	}
}

func check(ctx context.Context, store *genericregistry.Store) error {
	namespace := genericapirequest.NamespaceValue(ctx)
	if namespace == "" {
		return nil
	}
	some, err := store.List(ctx, &metainternalversion.ListOptions{Limit: PerNamespace})
	if err != nil {
		return err
	}
	if meta.LenList(some) >= PerNamespace {
		return apierrors.NewForbidden(store.DefaultQualifiedResource, "",
			fmt.Errorf("namespace %q has %d of them, the most that it can have: delete one first", namespace, PerNamespace))
	}
	return nil
}
