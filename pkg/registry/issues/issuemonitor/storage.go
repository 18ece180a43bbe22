// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/limit"
)

// Storage is what the API server installs for monitors of one kind.
type Storage struct {
	Monitor rest.StandardStorage
	Status  *StatusREST
}

// NewStorage returns the storage of IssueMonitors. The authorizer tells what their authors
// may read.
func NewStorage(
	scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter,
	authorizer authorizer.UnconditionalAuthorizer, clock clock.PassiveClock,
) (Storage, error) {
	main, status, err := newREST(scheme, optsGetter, authorizer, clock, kind{
		name: "issuemonitor", namespaced: true,
		new:     func() runtime.Object { return &issues.IssueMonitor{} },
		newList: func() runtime.Object { return &issues.IssueMonitorList{} },
	})
	return Storage{&NamespacedREST{main}, status}, err
}

// NewClusterStorage returns the storage of ClusterIssueMonitors.
func NewClusterStorage(
	scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter,
	authorizer authorizer.UnconditionalAuthorizer, clock clock.PassiveClock,
) (Storage, error) {
	main, status, err := newREST(scheme, optsGetter, authorizer, clock, kind{
		name:    "clusterissuemonitor",
		new:     func() runtime.Object { return &issues.ClusterIssueMonitor{} },
		newList: func() runtime.Object { return &issues.ClusterIssueMonitorList{} },
	})
	return Storage{main, status}, err
}

// kind is what the two kinds do not share.
type kind struct {
	name         string
	namespaced   bool
	new, newList func() runtime.Object
}

func newREST(
	scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter,
	authorizer authorizer.UnconditionalAuthorizer, clock clock.PassiveClock, kind kind,
) (*REST, *StatusREST, error) {
	main := newStrategy(scheme, kind.namespaced)
	store := &genericregistry.Store{
		NewFunc:                   kind.new,
		NewListFunc:               kind.newList,
		DefaultQualifiedResource:  issues.Resource(kind.name + "s"),
		SingularQualifiedResource: issues.Resource(kind.name),
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            tableConvertor{clock},
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: optsGetter}); err != nil {
		return nil, nil, fmt.Errorf("set up the storage of %ss: %w", kind.name, err)
	}
	status := *store
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	return &REST{store, access{authorizer}}, &StatusREST{&status}, nil
}

// REST serves monitors of one kind.
type REST struct {
	*genericregistry.Store
	access access
}

var _ rest.StandardStorage = (*REST)(nil)

// Create implements rest.Creater.
func (r *REST) Create(
	ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	return r.Store.Create(ctx, obj, r.onCreate(validate), options)
}

// Update implements rest.Updater, and a server-side apply that creates.
func (r *REST) Update(
	ctx context.Context, name string, info rest.UpdatedObjectInfo, validateCreate rest.ValidateObjectFunc,
	validateUpdate rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	validateCreate, validateUpdate = r.onCreate(validateCreate), r.access.onUpdate(validateUpdate)
	return r.Store.Update(ctx, name, info, validateCreate, validateUpdate, forceAllowCreate, options)
}

func (r *REST) onCreate(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return r.access.onCreate(limit.OnCreate(r.Store, next))
}

// NamespacedREST is REST in a category: those that are cluster-scoped would keep users of
// a namespace from getting the category.
type NamespacedREST struct{ *REST }

var _ rest.CategoriesProvider = (*NamespacedREST)(nil)

// Categories implements rest.CategoriesProvider.
func (*NamespacedREST) Categories() []string { return []string{"kite"} }

// StatusREST serves the status subresource.
type StatusREST struct{ store *genericregistry.Store }

var (
	_ rest.Patcher             = (*StatusREST)(nil)
	_ rest.TableConvertor      = (*StatusREST)(nil)
	_ rest.ResetFieldsStrategy = (*StatusREST)(nil)
)

// New implements rest.Storage.
func (r *StatusREST) New() runtime.Object { return r.store.New() }

// Destroy implements rest.Storage. The store is the main resource's.
func (*StatusREST) Destroy() {}

// Get implements rest.Getter.
func (r *StatusREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update implements rest.Updater. It never creates.
func (r *StatusREST) Update(
	ctx context.Context, name string, info rest.UpdatedObjectInfo, validateCreate rest.ValidateObjectFunc,
	validateUpdate rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, info, validateCreate, validateUpdate, false, options)
}

// GetResetFields implements rest.ResetFieldsStrategy.
func (r *StatusREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

// ConvertToTable implements rest.TableConvertor.
func (r *StatusREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, obj, options)
}
