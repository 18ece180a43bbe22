// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"fmt"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"
	"k8s.io/utils/clock"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"kite.dev/kite/pkg/apis/issues"
)

// Storage is what the API server installs for issues and their subresources.
type Storage struct {
	Issue       *REST
	Status      *StatusREST
	Resolve     *VerbREST
	Reopen      *VerbREST
	Acknowledge *VerbREST
}

// NewStorage returns the storage of issues. Claims must be those of the database
// that optsGetter leads to, whose Resource has the same configuration. The authorizer
// tells who may get related issues. The clock gives the times of what people do.
func NewStorage(
	scheme *runtime.Scheme, optsGetter generic.RESTOptionsGetter, claims ClaimHolders, cfg Config,
	authorizer authorizer.UnconditionalAuthorizer, clock clock.Clock,
) (Storage, error) {
	main := newStrategy(scheme, clock)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &issues.Issue{} },
		NewListFunc:               func() runtime.Object { return &issues.IssueList{} },
		PredicateFunc:             predicate,
		DefaultQualifiedResource:  issues.Resource("issues"),
		SingularQualifiedResource: issues.Resource("issue"),
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            tableConvertor{clock},
	}
	options := &generic.StoreOptions{RESTOptions: countedOptions{optsGetter}, AttrFunc: GetAttrs}
	if err := store.CompleteWithOptions(options); err != nil {
		return Storage{}, fmt.Errorf("set up the storage of issues: %w", err)
	}
	status, decided := *store, *store
	status.UpdateStrategy = statusStrategy{main}
	status.ResetFieldsStrategy = statusStrategy{main}
	decided.CreateStrategy = decidedStrategy{main}
	decided.UpdateStrategy = decidedStrategy{main}

	out := Storage{
		Issue: &REST{
			Store: store, decided: &decided,
			claims: claimChecker{claims, room(cfg.MaxActive)}, relations: Relations{authorizer},
		},
		Status: &StatusREST{store: &status},
	}
	out.Resolve = newVerbREST(scheme, out.Issue, clock, resolveVerb)
	out.Reopen = newVerbREST(scheme, out.Issue, clock, reopenVerb)
	out.Acknowledge = newVerbREST(scheme, out.Issue, clock, acknowledgeVerb)
	return out, nil
}

// REST serves issues.
type REST struct {
	*genericregistry.Store
	// decided writes what the rules have decided.
	decided   *genericregistry.Store
	claims    claimChecker
	relations Relations
}

var (
	_ rest.StandardStorage    = (*REST)(nil)
	_ rest.ShortNamesProvider = (*REST)(nil)
	_ rest.CategoriesProvider = (*REST)(nil)
)

// ShortNames implements rest.ShortNamesProvider.
func (*REST) ShortNames() []string { return []string{"iss"} }

// Categories implements rest.CategoriesProvider.
func (*REST) Categories() []string { return []string{"kite"} }

// Create implements rest.Creater. A dry run finds a holder of the claim, too.
func (r *REST) Create(
	ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	if dryrun.IsDryRun(options.DryRun) {
		validate = r.claims.onCreate(validate)
	}
	return r.Store.Create(ctx, obj, r.relations.onCreate(validate), options)
}

// Update implements rest.Updater, and a server-side apply that creates.
func (r *REST) Update(
	ctx context.Context, name string, info rest.UpdatedObjectInfo, validateCreate rest.ValidateObjectFunc,
	validateUpdate rest.ValidateObjectUpdateFunc, forceAllowCreate bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	if dryrun.IsDryRun(options.DryRun) {
		validateCreate = r.claims.onCreate(validateCreate)
		validateUpdate = r.claims.onUpdate(validateUpdate)
	}
	validateCreate, validateUpdate = r.relations.onCreate(validateCreate), r.relations.onUpdate(validateUpdate)
	return r.Store.Update(ctx, name, info, validateCreate, validateUpdate, forceAllowCreate, options)
}

// List implements rest.Lister.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if err := CheckSelector(options); err != nil {
		return nil, err
	}
	return r.Store.List(ctx, options)
}

// Watch implements rest.Watcher.
func (r *REST) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	if err := CheckSelector(options); err != nil {
		return nil, err
	}
	return r.Store.Watch(ctx, options)
}

// DeleteCollection implements rest.CollectionDeleter.
func (r *REST) DeleteCollection(
	ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions,
	listOptions *metainternalversion.ListOptions,
) (runtime.Object, error) {
	if err := CheckSelector(listOptions); err != nil {
		return nil, err
	}
	return r.Store.DeleteCollection(ctx, validate, options, listOptions)
}

// StatusREST serves the status subresource.
type StatusREST struct{ store *genericregistry.Store }

var (
	_ rest.Patcher             = (*StatusREST)(nil)
	_ rest.TableConvertor      = (*StatusREST)(nil)
	_ rest.ResetFieldsStrategy = (*StatusREST)(nil)
)

// New implements rest.Storage.
func (*StatusREST) New() runtime.Object { return &issues.Issue{} }

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
