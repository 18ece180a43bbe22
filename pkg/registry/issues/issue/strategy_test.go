// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestCreateIgnoresStatus(t *testing.T) {
	t.Parallel()
	obj := newIssue(func(issue *issues.Issue) {
		issue.Status = issues.IssueStatus{State: issues.StateResolved, Occurrences: 99, ReportedBy: "someone", ResolvedBy: "someone"}
	})
	require.NoError(t, rest.BeforeCreate(testStrategy(), testContext(t.Context(), ""), obj))
	require.Equal(t, issues.StateActive, obj.Status.State)
	require.Equal(t, int32(1), obj.Status.Occurrences)
	require.Empty(t, obj.Status.ReportedBy)
	require.Empty(t, obj.Status.ResolvedBy)
	require.Equal(t, "dana", obj.Status.Transitions[0].By)
	require.True(t, obj.Status.FirstSeen.Time.Equal(testTime))
	require.Equal(t, testNamespace, obj.Spec.Scope.Namespace, "the default")
	require.Equal(t, "major", obj.Labels["issues.kite.dev/severity"])
}

func TestCreateReturnsAllErrors(t *testing.T) {
	t.Parallel()
	obj := newIssue(func(issue *issues.Issue) {
		issue.Name = "Not A Name"
		issue.Labels = map[string]string{"issues.kite.dev/state": "Resolved"}
		issue.Spec.Title = strings.Repeat("x", 257)
		issue.Spec.Description = "a\x00b"
		issue.Spec.Severity = "urgent"
		issue.Spec.Scope.Kind = "component.v1"
		issue.Spec.Links = []issues.IssueLink{{Title: "log", URL: "javascript:alert(1)", Kind: issues.LinkLog}}
	})
	err := rest.BeforeCreate(testStrategy(), testContext(t.Context(), ""), obj)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, map[string]int{
		"metadata.name": 1, "metadata.labels[issues.kite.dev/state]": 1, "spec.title": 1, "spec.description": 1,
		"spec.severity": 1, "spec.scope.kind": 1, "spec.links[0].url": 1,
	}, causes(err))
}

// causes counts the causes of a refusal by field.
func causes(err error) map[string]int {
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		return nil
	}
	out := map[string]int{}
	for _, cause := range status.Status().Details.Causes {
		out[cause.Field]++
	}
	return out
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		edit   func(*issues.Issue)
		causes map[string]int
	}{
		"Title":           {"not part of the identity", func(i *issues.Issue) { i.Spec.Title = "Other" }, nil},
		"Severity":        {"its label follows", func(i *issues.Issue) { i.Spec.Severity = issues.SeverityInfo }, nil},
		"ScopeUID":        {"not part of the identity", func(i *issues.Issue) { i.Spec.Scope.UID = "new" }, nil},
		"NoLabels":        {"the server adds them", func(i *issues.Issue) { i.Labels = nil }, nil},
		"ScopeNamespace":  {"an empty one is the default", func(i *issues.Issue) { i.Spec.Scope.Namespace = "" }, nil},
		"Type":            {"identity", func(i *issues.Issue) { i.Spec.Type = "test" }, map[string]int{"spec.type": 1}},
		"Stage":           {"identity", func(i *issues.Issue) { i.Spec.Stage = "" }, map[string]int{"spec.stage": 1}},
		"Key":             {"identity", func(i *issues.Issue) { i.Spec.Key = "42" }, map[string]int{"spec.key": 1}},
		"ScopeKind":       {"identity", func(i *issues.Issue) { i.Spec.Scope.Kind = "Other" }, map[string]int{"spec.scope.kind": 1}},
		"ScopeName":       {"identity", func(i *issues.Issue) { i.Spec.Scope.Name = "other" }, map[string]int{"spec.scope.name": 1}},
		"ScopeGroup":      {"identity", func(i *issues.Issue) { i.Spec.Scope.APIGroup = "" }, map[string]int{"spec.scope.apiGroup": 1}},
		"OtherNamespace":  {"identity", func(i *issues.Issue) { i.Spec.Scope.Namespace = "other" }, map[string]int{"spec.scope.namespace": 1}},
		"ForeignLabel":    {"kept by the server", func(i *issues.Issue) { i.Labels["issues.kite.dev/state"] = "Resolved" }, map[string]int{"metadata.labels[issues.kite.dev/state]": 1}},
		"InventedLabel":   {"the prefix is the server's", func(i *issues.Issue) { i.Labels["issues.kite.dev/new"] = "x" }, map[string]int{"metadata.labels[issues.kite.dev/new]": 1}},
		"SeveralAtOnce":   {"all errors", func(i *issues.Issue) { i.Spec.Type, i.Spec.Cause = "test", "no reason" }, map[string]int{"spec.type": 1, "spec.cause": 1}},
		"StatusIsIgnored": {"that is what /status is for", func(i *issues.Issue) { i.Status = issues.IssueStatus{} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := stored(t.Context())
			next := old.DeepCopy()
			tc.edit(next)
			err := rest.BeforeUpdate(testStrategy(), testContext(t.Context(), ""), next, old)
			if tc.causes != nil {
				require.True(t, apierrors.IsInvalid(err), "%s: %v", tc.reason, err)
				require.Equal(t, tc.causes, causes(err), tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			require.Equal(t, old.Status.State, next.Status.State)
			require.Equal(t, old.Status.Occurrences, next.Status.Occurrences)
			require.Equal(t, string(next.Spec.Severity), next.Labels["issues.kite.dev/severity"])
		})
	}
}

type warnings []string

func (w *warnings) AddWarning(_, text string) { *w = append(*w, text) }

func TestStatusUpdate(t *testing.T) {
	t.Parallel()
	remediated := func(i *issues.Issue) {
		i.Status.Conditions = append(i.Status.Conditions, metav1.Condition{
			Type: issues.ConditionRemediationActive, Status: metav1.ConditionTrue, Reason: "Running",
			LastTransitionTime: metav1.NewTime(testTime),
		})
		i.Status.Affected = []issues.AffectedResource{{Kind: "Deployment", Name: "checkout"}}
		i.Status.Remediation = &issues.IssueRemediation{Name: "rr-1", Phase: "Executing"}
	}
	for name, tc := range map[string]struct {
		reason string
		edit   func(*issues.Issue)
		warns  bool
	}{
		"Allowed":       {"the controllers' part", remediated, false},
		"State":         {"reports and verbs change it", func(i *issues.Issue) { i.Status.State = issues.StateResolved }, true},
		"Attribution":   {"nobody can forge it", func(i *issues.Issue) { i.Status.ResolvedBy = "someone" }, true},
		"Occurrences":   {"counted by the server", func(i *issues.Issue) { i.Status.Occurrences = 99 }, true},
		"Resolved":      {"follows from the state", func(i *issues.Issue) { i.Status.Conditions[0].Status = metav1.ConditionTrue }, true},
		"Spec":          {"not by way of the status", func(i *issues.Issue) { i.Spec.Title = "Other" }, true},
		"Labels":        {"not by way of the status", func(i *issues.Issue) { i.Labels["team"] = "gamma" }, true},
		"SpecAndLabels": {"all of it", func(i *issues.Issue) { i.Spec.Title, i.Labels["issues.kite.dev/state"] = "Other", "Resolved" }, true},
		"Annotations":   {"not by way of the status", func(i *issues.Issue) { i.Annotations = map[string]string{"a": "b"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := stored(t.Context())
			before := old.DeepCopy()
			next := old.DeepCopy()
			tc.edit(next)
			given := next.DeepCopy()
			var warned warnings
			ctx := warning.WithWarningRecorder(testContext(t.Context(), "status"), &warned)
			require.NoError(t, rest.BeforeUpdate(statusStrategy{testStrategy()}, ctx, next, old), tc.reason)
			require.Equal(t, before, old, "the stored issue is not touched")
			if tc.warns {
				require.Equal(t, warnings{restoredWarning}, warned, tc.reason)
				require.Equal(t, old, next, tc.reason)
				return
			}
			require.Empty(t, warned, tc.reason)
			require.Equal(t, given.Status.Affected, next.Status.Affected)
			require.Equal(t, given.Status.Remediation, next.Status.Remediation)
			require.ElementsMatch(t, given.Status.Conditions, next.Status.Conditions)
		})
	}
}

func TestResetFields(t *testing.T) {
	t.Parallel()
	version := fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())
	main := testStrategy().GetResetFields()[version]
	status := statusStrategy{testStrategy()}.GetResetFields()[version]
	for name, tc := range map[string]struct {
		reason       string
		path         []any
		main, status bool
	}{
		"Status":     {"not the main resource's", []any{"status"}, true, false},
		"Spec":       {"not the status's", []any{"spec"}, false, true},
		"KeptLabel":  {"belongs to nobody", []any{"metadata", "labels", "issues.kite.dev/severity"}, true, true},
		"State":      {"the server's", []any{"status", "state"}, false, true},
		"Conditions": {"the controllers'", []any{"status", "conditions"}, false, false},
		"Affected":   {"the controllers'", []any{"status", "affected"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fieldpath.MakePathOrDie(tc.path...)
			require.Equal(t, tc.main, main.Has(path), tc.reason)
			require.Equal(t, tc.status, status.Has(path), tc.reason)
		})
	}
}

// TestDecidedGeneration: several reports in one write change the spec once.
func TestDecidedGeneration(t *testing.T) {
	t.Parallel()
	s := decidedStrategy{testStrategy()}
	old := stored(t.Context())
	next := old.DeepCopy()
	next.Spec.Title, next.Generation = "Other", 5
	require.NoError(t, rest.BeforeUpdate(s, testContext(t.Context(), ""), next, old))
	require.Equal(t, int64(2), next.Generation)
	require.Equal(t, int64(2), next.Status.ObservedGeneration)

	same := old.DeepCopy()
	require.NoError(t, rest.BeforeUpdate(s, testContext(t.Context(), ""), same, old))
	require.Equal(t, old, same)
}
