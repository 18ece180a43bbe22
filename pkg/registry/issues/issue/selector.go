// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"fmt"
	"strings"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// Bounds of a text to search for, in characters.
const (
	minSearch = 2
	maxSearch = 128
)

// memberMark stands before and after each of a field's many values. No stored
// string holds it.
const memberMark = "\x00"

// selectable are the fields that selectors know, by path.
var selectable = func() map[string]rules.Field {
	out := map[string]rules.Field{}
	for _, field := range rules.Fields() {
		if field.Path != "" {
			out[field.Path] = field
		}
	}
	return out
}()

// GetAttrs returns an issue's labels and everything that selectors may ask for.
func GetAttrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	issue, ok := obj.(*issues.Issue)
	if !ok {
		return nil, nil, fmt.Errorf("want an Issue, got %T", obj)
	}
	set := fields.Set{fieldName: issue.Name, fieldNamespace: issue.Namespace}
	for path, field := range selectable {
		set[path] = attribute(issue, field)
	}
	return issue.Labels, set, nil
}

// predicate matches issues for a list or a watch. It computes only what the
// selector asks for: the text that search reads has 33 KiB.
func predicate(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
	wanted := field.Requirements()
	return storage.SelectionPredicate{
		Label: label,
		Field: newSelector(field),
		GetAttrs: func(obj runtime.Object) (labels.Set, fields.Set, error) {
			issue, ok := obj.(*issues.Issue)
			if !ok {
				return nil, nil, fmt.Errorf("want an Issue, got %T", obj)
			}
			set := make(fields.Set, len(wanted))
			for i := range wanted {
				set[wanted[i].Field] = attributeAt(issue, wanted[i].Field)
			}
			return issue.Labels, set, nil
		},
	}
}

func attributeAt(issue *issues.Issue, path string) string {
	switch path {
	case fieldName:
		return issue.Name
	case fieldNamespace:
		return issue.Namespace
	}
	field, ok := selectable[path]
	if !ok {
		return ""
	}
	return attribute(issue, field)
}

func attribute(issue *issues.Issue, field rules.Field) string {
	if field.Match == rules.MatchAny {
		return memberMark + strings.Join(field.Values(issue), memberMark) + memberMark
	}
	return field.Value(issue)
}

// selector is a field selector some of whose terms do not ask for equality: search
// asks whether a text contains another, run.name and run.uid whether a value is
// one of many. Storage sees all terms through Requirements.
type selector struct {
	fields.Selector
	terms []term
}

type term struct {
	field  string
	want   string
	match  rules.Match
	negate bool
}

var _ fields.Selector = (*selector)(nil)

// newSelector returns the selector itself when all its terms ask for equality.
func newSelector(field fields.Selector) fields.Selector {
	out, special := &selector{Selector: field}, false
	for _, r := range field.Requirements() {
		t := newTerm(r)
		special = special || t.match != rules.MatchValue
		out.terms = append(out.terms, t)
	}
	if !special {
		return field
	}
	return out
}

func newTerm(r fields.Requirement) term {
	t := term{field: r.Field, want: r.Value, match: rules.MatchValue, negate: r.Operator == selection.NotEquals}
	if known, ok := selectable[r.Field]; ok {
		t.match = known.Match
	}
	switch t.match {
	case rules.MatchText:
		t.want = rules.Fold(r.Value)
	case rules.MatchNone, rules.MatchValue:
	case rules.MatchAny:
		// A value with marks in it would find neighbours. Without, it finds nothing.
		t.want = memberMark + strings.ReplaceAll(r.Value, memberMark, "\xff") + memberMark
	}
	return t
}

func (t *term) matches(have string) bool {
	found := strings.Contains(have, t.want)
	if t.match == rules.MatchValue {
		found = have == t.want
	}
	return found != t.negate
}

// Matches implements fields.Selector.
func (s *selector) Matches(set fields.Fields) bool {
	for i := range s.terms {
		if !s.terms[i].matches(set.Get(s.terms[i].field)) {
			return false
		}
	}
	return true
}

// RequiresExactMatch implements fields.Selector: only equality has one value.
func (s *selector) RequiresExactMatch(path string) (string, bool) {
	if field, ok := selectable[path]; ok && field.Match != rules.MatchValue {
		return "", false
	}
	return s.Selector.RequiresExactMatch(path)
}

// Transform implements fields.Selector.
func (s *selector) Transform(fn fields.TransformFunc) (fields.Selector, error) {
	out, err := s.Selector.Transform(fn)
	if err != nil {
		return nil, err
	}
	return newSelector(out), nil
}

// DeepCopySelector implements fields.Selector.
func (s *selector) DeepCopySelector() fields.Selector {
	return newSelector(s.Selector.DeepCopySelector())
}

// CheckSelector refuses a search that would find nearly everything, or be an
// attack. That a field is known was checked when the request was decoded.
func CheckSelector(options *metainternalversion.ListOptions) error {
	if options == nil || options.FieldSelector == nil {
		return nil
	}
	for _, r := range options.FieldSelector.Requirements() {
		if r.Field != v1alpha1.FieldSearch {
			continue
		}
		if n := utf8.RuneCountInString(r.Value); n < minSearch || n > maxSearch {
			return apierrors.NewBadRequest(fmt.Sprintf(
				"field selector %q: want a text of %d to %d characters, got %d", r.Field, minSearch, maxSearch, n))
		}
	}
	return nil
}
