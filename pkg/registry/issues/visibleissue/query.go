// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"slices"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
)

const (
	fieldName      = "metadata.name"
	fieldNamespace = "metadata.namespace"
)

// query is what a request selects, in the terms of issues.
type query struct {
	labels labels.Selector
	fields fields.Selector
	// not are visible names to leave out: issues know them as two fields, and no
	// conjunction of fields says that.
	not []string
}

// newQuery translates the name of a visible issue into namespace and name.
func newQuery(options *metainternalversion.ListOptions) *query {
	q := &query{labels: labels.Everything(), fields: fields.Everything()}
	if options == nil {
		return q
	}
	if options.LabelSelector != nil {
		q.labels = options.LabelSelector
	}
	if options.FieldSelector == nil {
		return q
	}
	var terms []fields.Selector
	for _, r := range options.FieldSelector.Requirements() {
		switch {
		case r.Operator == selection.NotEquals && r.Field == fieldName:
			q.not = append(q.not, r.Value)
		case r.Operator == selection.NotEquals:
			terms = append(terms, fields.OneTermNotEqualSelector(r.Field, r.Value))
		case r.Field == fieldName:
			namespace, name := issueName(r.Value)
			terms = append(terms, fields.OneTermEqualSelector(fieldNamespace, namespace), fields.OneTermEqualSelector(fieldName, name))
		default:
			terms = append(terms, fields.OneTermEqualSelector(r.Field, r.Value))
		}
	}
	q.fields = fields.AndSelectors(terms...)
	return q
}

// namespace returns the one namespace that the query names, if it does.
func (q *query) namespace() (string, bool) {
	return q.fields.RequiresExactMatch(fieldNamespace)
}

// predicate matches the issues that the query selects, within the scope. Storage knows
// names and namespaces of issues only.
func (q *query) predicate(
	of func(labels.Selector, fields.Selector) storage.SelectionPredicate, s scope,
) storage.SelectionPredicate {
	out := of(q.labels, q.fields)
	if s.everywhere && len(q.not) == 0 {
		return out
	}
	getAttrs := out.GetAttrs
	out.GetAttrs = func(obj runtime.Object) (labels.Set, fields.Set, error) {
		l, f, err := getAttrs(obj)
		if issue, ok := obj.(*issues.Issue); ok && err == nil {
			f[fieldName], f[fieldNamespace] = issue.Name, issue.Namespace
		}
		return l, f, err
	}
	out.Field = &within{Selector: out.Field, scope: s, not: q.not}
	return out
}

// within is a field selector that selects issues of the scope only.
type within struct {
	fields.Selector
	scope scope
	not   []string
}

var _ fields.Selector = (*within)(nil)

// Matches implements fields.Selector.
func (w *within) Matches(set fields.Fields) bool {
	namespace := set.Get(fieldNamespace)
	if !w.scope.contains(namespace) || !w.Selector.Matches(set) {
		return false
	}
	return len(w.not) == 0 || !slices.Contains(w.not, visibleName(namespace, set.Get(fieldName)))
}

// Empty implements fields.Selector: something is always left out.
func (*within) Empty() bool { return false }

// DeepCopySelector implements fields.Selector.
func (w *within) DeepCopySelector() fields.Selector {
	return &within{Selector: w.Selector.DeepCopySelector(), scope: w.scope, not: w.not}
}
