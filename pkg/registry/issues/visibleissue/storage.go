// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// REST serves visibleissues.
type REST struct {
	tableConvertor

	issues *genericregistry.Store
	rights *rights
	memory memory
	clock  clock.Clock
}

var (
	_ rest.Storage              = (*REST)(nil)
	_ rest.Scoper               = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
	_ rest.Getter               = (*REST)(nil)
	_ rest.Lister               = (*REST)(nil)
	_ rest.Watcher              = (*REST)(nil)
)

// NewREST returns the storage of visibleissues, which reads that of issues. The
// authorizer is asked about each candidate; its answers may be at most 5 s old. Without
// candidates only those see issues who may list them everywhere, or name a namespace.
// The clock says when watches ask again.
func NewREST(
	stored *genericregistry.Store, authorizer authorizer.Authorizer, candidates Candidates, clock clock.Clock,
) *REST {
	return &REST{
		tableConvertor: tableConvertor{stored.TableConvertor},
		issues:         stored, rights: newRights(authorizer, candidates), memory: newMemory(clock), clock: clock,
	}
}

// New implements rest.Storage.
func (*REST) New() runtime.Object { return &issues.VisibleIssue{} }

// NewList implements rest.Lister.
func (*REST) NewList() runtime.Object { return &issues.VisibleIssueList{} }

// Destroy implements rest.Storage. The store is that of issues.
func (*REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*REST) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (*REST) GetSingularName() string { return "visibleissue" }

// Get implements rest.Getter. What the caller may not see is not found.
func (r *REST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	q := newQuery(&metainternalversion.ListOptions{FieldSelector: fields.OneTermEqualSelector(fieldName, name)})
	_, s, err := r.caller(ctx, q)
	if err != nil {
		return nil, err
	}
	list, err := r.list(ctx, q, s, metainternalversion.ListOptions{ResourceVersion: options.ResourceVersion})
	if err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, apierrors.NewNotFound(issues.Resource("visibleissues"), name)
	}
	return &list.Items[0], nil
}

// List implements rest.Lister.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if options == nil {
		options = &metainternalversion.ListOptions{}
	}
	if err := issue.CheckSelector(options); err != nil {
		return nil, err
	}
	q := newQuery(options)
	u, s, err := r.caller(ctx, q)
	if err != nil {
		return nil, err
	}
	list, err := r.list(ctx, q, s, *options)
	if err != nil {
		return nil, err
	}
	r.memory.note(keyOf(u, q), s, list.ResourceVersion, options.Continue != "")
	return list, nil
}

// Watch implements rest.Watcher.
func (r *REST) Watch(ctx context.Context, options *metainternalversion.ListOptions) (watch.Interface, error) {
	if options == nil {
		options = &metainternalversion.ListOptions{}
	}
	if err := issue.CheckSelector(options); err != nil {
		return nil, err
	}
	q := newQuery(options)
	u, s, err := r.caller(ctx, q)
	if err != nil {
		return nil, err
	}
	w := &watcher{rest: r, query: q, scope: s, options: *options, results: make(chan watch.Event)}
	w.ctx, w.cancel = context.WithCancel(ctx)
	if err := w.start(); err != nil {
		w.cancel()
		return nil, err
	}
	key := keyOf(u, q)
	fresh := options.ResourceVersion == "" || sendsInitialEvents(options)
	vouched := fresh || r.memory.knows(key, s, options.ResourceVersion)
	if fresh {
		r.memory.note(key, s, w.rev, false)
	}
	go w.run(w.newGuard(u, vouched))
	utilflowcontrol.WatchInitialized(ctx)
	return w, nil
}
