// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// private allows everything but reading another namespace than one's own, and to some
// issues by name.
func private(readable ...string) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		own := a.GetNamespace() == namespace || a.GetUser().GetName() == "system:apiserver" || a.GetUser().GetName() == "lead"
		for _, name := range readable {
			own = own || a.GetVerb() == "get" && a.GetName() == name
		}
		if own {
			return authorizer.DecisionAllow, "", nil
		}
		return authorizer.DecisionNoOpinion, "", nil
	})
}

func relatedTo(ns, name string) []v1alpha1.RelatedIssue {
	return []v1alpha1.RelatedIssue{{Namespace: ns, Name: name, Relation: v1alpha1.RelationCausedBy}}
}

// TestRelations to issues that their writer may not get are refused, and the refusal does
// not tell whether such an issue exists.
func TestRelations(t *testing.T) {
	t.Parallel()
	const foreign = "team-other"
	cfg := StartServer(t, WithAuthorizer(private("shared")))
	lead := Client(t, As(cfg, "lead")).IssuesV1alpha1()
	for _, name := range []string{"shared", "secret"} {
		issue := newIssue(name)
		issue.Namespace = foreign
		_, err := lead.Issues(foreign).Create(t.Context(), issue, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	member := Client(t, As(cfg, "member")).IssuesV1alpha1()

	cases := map[string]struct {
		reason    string
		related   []v1alpha1.RelatedIssue
		forbidden bool
	}{
		"Own":     {reason: "in the writer's namespace, which need not be named", related: relatedTo("", "later")},
		"Allowed": {reason: "the writer may get this one", related: relatedTo(foreign, "shared")},
		"Secret":  {reason: "it exists", related: relatedTo(foreign, "secret"), forbidden: true},
		"Nothing": {reason: "it does not exist", related: relatedTo(foreign, "nothing"), forbidden: true},
		"Second":  {reason: "every one is looked at", related: append(relatedTo(foreign, "shared"), relatedTo(foreign, "secret")...), forbidden: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issue := newIssue("by-" + strings.ToLower(name))
			issue.Spec.Scope.Name, issue.Spec.RelatedIssues = issue.Name, tc.related
			for _, dryRun := range [][]string{{metav1.DryRunAll}, nil} {
				_, err := member.Issues(namespace).Create(t.Context(), issue, metav1.CreateOptions{DryRun: dryRun})
				require.Equal(t, tc.forbidden, apierrors.IsForbidden(err), "%s: %v", tc.reason, err)
				require.Equal(t, tc.forbidden, err != nil, "%s: %v", tc.reason, err)
			}
			r := failed(1, func(spec *v1alpha1.IssueReportSpec) {
				spec.Issue.Key, spec.Issue.RelatedIssues = name, tc.related
			})
			_, err := member.IssueReports(namespace).Create(t.Context(), r, metav1.CreateOptions{})
			require.Equal(t, tc.forbidden, apierrors.IsForbidden(err), "%s: %v", tc.reason, err)
			require.Equal(t, tc.forbidden, err != nil, "%s: %v", tc.reason, err)
		})
	}

	refusal := func(name string) string {
		_, err := member.Issues(namespace).Create(t.Context(), func() *v1alpha1.Issue {
			issue := newIssue("x")
			issue.Spec.RelatedIssues = relatedTo(foreign, name)
			return issue
		}(), metav1.CreateOptions{})
		return strings.ReplaceAll(err.Error(), name, "NAME")
	}
	require.Equal(t, refusal("secret"), refusal("nothing"))
	require.Contains(t, refusal("secret"), "spec.relatedIssues[0]")
}

// TestRelationsOfOthersStay: who may not get a related issue can still write the issue
// that somebody else has related to it.
func TestRelationsOfOthersStay(t *testing.T) {
	t.Parallel()
	const foreign = "team-other"
	cfg := StartServer(t, WithAuthorizer(private()))
	lead, member := Client(t, As(cfg, "lead")).IssuesV1alpha1().Issues(namespace), Client(t, As(cfg, "member")).IssuesV1alpha1().Issues(namespace)
	issue := newIssue("web")
	issue.Spec.RelatedIssues = relatedTo(foreign, "secret")
	_, err := lead.Create(t.Context(), issue, metav1.CreateOptions{})
	require.NoError(t, err)

	cases := []struct {
		reason, patch string
		forbidden     bool
	}{
		{"nothing about relations", `{"spec":{"title":"Changed"}}`, false},
		{"the same issue, another relation", `{"spec":{"relatedIssues":[{"namespace":"team-other","name":"secret","relation":"Blocks"}]}}`, false},
		{"one more", `{"spec":{"relatedIssues":[{"namespace":"team-other","name":"secret","relation":"Blocks"},{"namespace":"team-other","name":"more","relation":"Blocks"}]}}`, true},
		{"none", `{"spec":{"relatedIssues":[]}}`, false},
		{"the one that was there before", `{"spec":{"relatedIssues":[{"namespace":"team-other","name":"secret","relation":"Blocks"}]}}`, true},
	}
	for _, tc := range cases {
		_, err := member.Patch(t.Context(), "web", types.MergePatchType, []byte(tc.patch), metav1.PatchOptions{})
		require.Equal(t, tc.forbidden, apierrors.IsForbidden(err), "%s: %v", tc.reason, err)
		require.Equal(t, tc.forbidden, err != nil, "%s: %v", tc.reason, err)
	}
	apply := `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","metadata":{"name":"new"},"spec":{"title":"x","type":"build","severity":"major",` +
		`"scope":{"kind":"Component","name":"new"},"relatedIssues":[{"namespace":"team-other","name":"secret","relation":"Blocks"}]}}`
	_, err = member.Patch(t.Context(), "new", types.ApplyPatchType, []byte(apply), metav1.PatchOptions{FieldManager: "x"})
	require.True(t, apierrors.IsForbidden(err), "an apply that creates: %v", err)
}
