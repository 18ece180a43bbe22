// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

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

// Storage is what the API server installs for webhooks.
type Storage struct {
	Webhook *REST
	Status  *StatusREST
}

// NewStorage returns the storage of webhooks. The authorizer tells where their authors may
// report.
func NewStorage(
	scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter,
	authorizer authorizer.UnconditionalAuthorizer, clock clock.PassiveClock,
) (Storage, error) {
	main := newStrategy(scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &issues.IssueWebhook{} },
		NewListFunc:               func() runtime.Object { return &issues.IssueWebhookList{} },
		DefaultQualifiedResource:  issues.Resource("issuewebhooks"),
		SingularQualifiedResource: issues.Resource("issuewebhook"),
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            tableConvertor{clock},
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: optsGetter}); err != nil {
		return Storage{}, fmt.Errorf("set up the storage of issuewebhooks: %w", err)
	}
	status := *store
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	return Storage{&REST{store, access{authorizer}}, &StatusREST{&status}}, nil
}

// REST serves webhooks.
type REST struct {
	*genericregistry.Store
	access access
}

var (
	_ rest.StandardStorage    = (*REST)(nil)
	_ rest.CategoriesProvider = (*REST)(nil)
)

// Categories implements rest.CategoriesProvider.
func (*REST) Categories() []string { return []string{"kite"} }

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
