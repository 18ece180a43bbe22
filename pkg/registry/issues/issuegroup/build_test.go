// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	"kite.dev/kite/pkg/apis/issues"
	registry "kite.dev/kite/pkg/registry/issues/issue"
)

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

type issueOption func(*issues.Issue)

// newMember is an Active major issue of the group CVE-1, seen once n seconds after start.
func newMember(namespace, name string, n int, options ...issueOption) *issues.Issue {
	at := metav1.NewMicroTime(start.Add(time.Duration(n) * time.Second))
	issue := &issues.Issue{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	issue.Spec.GroupKey, issue.Spec.Severity, issue.Spec.Title = "CVE-1", issues.SeverityMajor, "title of "+namespace+"/"+name
	issue.Status.State, issue.Status.FirstSeen, issue.Status.LastSeen = issues.StateActive, &at, &at
	for _, option := range options {
		option(issue)
	}
	return issue
}

func caused(cause string) issueOption {
	return func(issue *issues.Issue) { issue.Spec.Cause = cause }
}

func severity(severity issues.IssueSeverity) issueOption {
	return func(issue *issues.Issue) { issue.Spec.Severity = severity }
}

func resolved() issueOption {
	return func(issue *issues.Issue) {
		issue.Status.State, issue.Status.ResolvedAt = issues.StateResolved, issue.Status.LastSeen
	}
}

func link(kind issues.IssueLinkKind, url string) issueOption {
	return func(issue *issues.Issue) {
		issue.Spec.Links = append(issue.Spec.Links, issues.IssueLink{Title: "x", URL: url, Kind: kind})
	}
}

// fakeLister lists members as storage does: in the order of keys and in pages.
type fakeLister struct {
	members []*issues.Issue
	page    int
}

func (f fakeLister) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if ns := genericapirequest.NamespaceValue(ctx); ns != "" {
		return nil, fmt.Errorf("asked for namespace %s only", ns)
	}
	members := slices.Clone(f.members)
	slices.SortFunc(members, func(a, b *issues.Issue) int {
		return cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	from := 0
	if options.Continue != "" {
		var err error
		if from, err = strconv.Atoi(options.Continue); err != nil {
			return nil, err
		}
	}
	out := &issues.IssueList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}}
	for i := from; i < len(members); i++ {
		_, set, err := registry.GetAttrs(members[i])
		if err != nil {
			return nil, err
		}
		if !options.FieldSelector.Matches(set) {
			continue
		}
		if len(out.Items) == f.page {
			out.Continue = strconv.Itoa(i)
			break
		}
		out.Items = append(out.Items, *members[i].DeepCopy())
	}
	return out, nil
}

// noHistory has nothing that is over.
type noHistory struct{}

func (noHistory) Query(context.Context, string, []any, []any, func() error) error {
	return nil
}
