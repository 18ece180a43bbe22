// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// maxPage is how many namespaces one answer has at most. Without a limit, more are refused.
const maxPage = 2000

// REST serves issuesummaries.
type REST struct {
	tableConvertor

	db    Database
	uids  func(namespace string) string
	clock clock.PassiveClock
}

var (
	_ rest.Storage              = (*REST)(nil)
	_ rest.Scoper               = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
	_ rest.CategoriesProvider   = (*REST)(nil)
	_ rest.Getter               = (*REST)(nil)
	_ rest.Lister               = (*REST)(nil)
)

// NewREST returns the storage of issuesummaries. The UIDs are those by which history is
// kept, as in issue.Config; nil, they are not known.
func NewREST(db Database, uids func(namespace string) string, clock clock.PassiveClock) *REST {
	return &REST{db: db, uids: uids, clock: clock}
}

// New implements rest.Storage.
func (*REST) New() runtime.Object { return &issues.IssueSummary{} }

// NewList implements rest.Lister.
func (*REST) NewList() runtime.Object { return &issues.IssueSummaryList{} }

// Destroy implements rest.Storage.
func (*REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*REST) NamespaceScoped() bool { return true }

// GetSingularName implements rest.SingularNameProvider.
func (*REST) GetSingularName() string { return "issuesummary" }

// Categories implements rest.CategoriesProvider.
func (*REST) Categories() []string { return []string{"kite"} }

// Get implements rest.Getter.
func (r *REST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if name != v1alpha1.IssueSummaryName {
		return nil, apierrors.NewNotFound(issues.Resource("issuesummaries"), name)
	}
	found, err := count(ctx, r.db, r.named(genericapirequest.NamespaceValue(ctx)), newWindow(r.clock.Now()))
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// List implements rest.Lister: a summary for each namespace that has, or had, issues, or
// for the one namespace of the request.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if options == nil {
		options = &metainternalversion.ListOptions{}
	}
	out := &issues.IssueSummaryList{Items: []issues.IssueSummary{}}
	if !selects(options) {
		return out, nil
	}
	namespaces, err := r.page(ctx, options, &out.ListMeta)
	if err != nil {
		return nil, err
	}
	found, err := count(ctx, r.db, namespaces, newWindow(r.clock.Now()))
	if err != nil {
		return nil, err
	}
	out.Items = append(out.Items, found...)
	return out, nil
}

// selects tells whether the request may have any summary: all have one name, and no
// labels.
func selects(options *metainternalversion.ListOptions) bool {
	if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set{}) {
		return false
	}
	if options.FieldSelector == nil {
		return true
	}
	for _, r := range options.FieldSelector.Requirements() {
		one := fields.OneTermEqualSelector(r.Field, r.Value)
		if r.Operator == "!=" {
			one = fields.OneTermNotEqualSelector(r.Field, r.Value)
		}
		if r.Field == "metadata.name" && !one.Matches(fields.Set{r.Field: v1alpha1.IssueSummaryName}) {
			return false
		}
	}
	return true
}

// page chooses the namespaces of one answer, and says in meta how to go on.
func (r *REST) page(ctx context.Context, options *metainternalversion.ListOptions, meta *metav1.ListMeta) ([]namespace, error) {
	if name := genericapirequest.NamespaceValue(ctx); name != "" {
		return r.matching(options, r.named(name)), nil
	}
	if options.FieldSelector != nil {
		if name, ok := options.FieldSelector.RequiresExactMatch("metadata.namespace"); ok {
			return r.matching(options, r.named(name)), nil
		}
	}
	after, limit := "", options.Limit
	if options.Continue != "" {
		key, _, err := storage.DecodeContinue(options.Continue, "")
		if err != nil {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("invalid continue token: %v", err))
		}
		after = issue.KeyPrefix + key + "/"
	}
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	found, err := r.after(ctx, after, limit+1)
	if err != nil || int64(len(found)) <= limit {
		return r.matching(options, r.living(found)), err
	}
	if options.Limit <= 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("more than %d namespaces have issues: ask for them in pages, by limit", maxPage))
	}
	found = found[:limit]
	meta.Continue, err = storage.EncodeContinue("/"+found[limit-1].name, "/", -1)
	return r.matching(options, r.living(found)), err
}

// after returns namespaces that have, or had, issues, after a key.
func (r *REST) after(ctx context.Context, key string, limit int64) ([]namespace, error) {
	var out []namespace
	var name string
	err := r.db.Query(ctx, namespacesSQL, []any{issue.KeyPrefix, key, limit}, []any{&name}, func() error {
		out = append(out, r.named(name)...)
		return nil
	})
	return out, err
}

func (r *REST) named(name string) []namespace {
	if r.uids == nil {
		return []namespace{{name: name}}
	}
	return []namespace{{name: name, uid: r.uids(name)}}
}

// living leaves out namespaces that are gone.
func (r *REST) living(found []namespace) []namespace {
	if r.uids == nil {
		return found
	}
	return slices.DeleteFunc(found, func(n namespace) bool { return n.uid == "" })
}

// matching leaves out what the field selector does not want.
func (r *REST) matching(options *metainternalversion.ListOptions, found []namespace) []namespace {
	if options.FieldSelector == nil {
		return found
	}
	return slices.DeleteFunc(found, func(n namespace) bool {
		return !options.FieldSelector.Matches(fields.Set{"metadata.namespace": n.name, "metadata.name": v1alpha1.IssueSummaryName})
	})
}
