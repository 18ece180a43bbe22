// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const fieldName = "metadata.name"

// REST serves issuegroups. A group's name is its key, which need not be the name of an
// object: any key is one segment of a path, because validation admits neither '/' nor
// '%' nor a leading or trailing dot.
type REST struct {
	tableConvertor

	reader  reader
	history history
	clock   clock.PassiveClock
}

var (
	_ rest.Getter               = (*REST)(nil)
	_ rest.Lister               = (*REST)(nil)
	_ rest.Scoper               = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
	_ rest.ShortNamesProvider   = (*REST)(nil)
)

// NewREST returns the storage of issuegroups, which adds up what lister lists, and what
// history says of what is over.
func NewREST(lister issueLister, history history, clock clock.PassiveClock) *REST {
	return &REST{reader: reader{lister}, history: history, clock: clock, tableConvertor: tableConvertor{clock}}
}

// New implements rest.Storage.
func (*REST) New() runtime.Object { return &issues.IssueGroup{} }

// NewList implements rest.Lister.
func (*REST) NewList() runtime.Object { return &issues.IssueGroupList{} }

// Destroy implements rest.Storage. The store is that of issues.
func (*REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*REST) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (*REST) GetSingularName() string { return "issuegroup" }

// ShortNames implements rest.ShortNamesProvider.
func (*REST) ShortNames() []string { return []string{"ig"} }

// Get implements rest.Getter.
func (r *REST) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	trend := newTrend(r.clock.Now())
	sum, revision, err := r.reader.one(ctx, name, "", trend)
	if err != nil {
		return nil, err
	}
	if sum == nil {
		return nil, apierrors.NewNotFound(issues.Resource("issuegroups"), name)
	}
	if err := trend.read(ctx, r.history, name); err != nil {
		return nil, err
	}
	group := sum.group(revision)
	group.Status.ActivePerDay = trend.list()
	return &group, nil
}

// List implements rest.Lister. All chunks of a list are of one revision.
func (r *REST) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if options == nil {
		options = &metainternalversion.ListOptions{}
	}
	from, err := decodeToken(options.Continue)
	if err != nil {
		return nil, err
	}
	members := inAnyGroup()
	if name, ok := exactName(options.FieldSelector); ok {
		members = inGroup(name)
	}
	found := page{after: from.After, limit: maxGroups}
	if options.Limit > 0 {
		found.limit = int(min(options.Limit, maxGroups))
	}
	revision, err := r.reader.each(ctx, members, from.Revision, found.add)
	if errors.Is(err, errExpired) {
		return nil, from.expired()
	}
	if err != nil {
		return nil, err
	}
	if found.more && options.Limit <= 0 {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("there are more than %d groups: ask for them in chunks, with limit", maxGroups))
	}
	return found.list(revision, options)
}

// exactName is the one name that a selector asks for. The empty one is nobody's.
func exactName(selector fields.Selector) (string, bool) {
	if selector == nil {
		return "", false
	}
	name, ok := selector.RequiresExactMatch(fieldName)
	return name, ok && name != ""
}

// list returns the groups that selectors want, and where the next chunk begins.
func (p *page) list(revision string, options *metainternalversion.ListOptions) (*issues.IssueGroupList, error) {
	out := &issues.IssueGroupList{ListMeta: metav1.ListMeta{ResourceVersion: revision}, Items: []issues.IssueGroup{}}
	for _, sum := range p.groups {
		if group := sum.group(revision); wanted(&group, options) {
			out.Items = append(out.Items, group)
		}
	}
	if !p.more {
		return out, nil
	}
	var err error
	out.Continue, err = token{Revision: revision, After: p.groups[len(p.groups)-1].key}.encode()
	return out, err
}

func wanted(group *issues.IssueGroup, options *metainternalversion.ListOptions) bool {
	if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set(group.Labels)) {
		return false
	}
	return options.FieldSelector == nil || options.FieldSelector.Matches(fields.Set{
		fieldName:                   group.Name,
		v1alpha1.FieldState:         string(group.Status.State),
		v1alpha1.FieldGroupSeverity: string(group.Status.Severity),
	})
}
