// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func due(seconds int) reportOption {
	return func(spec *issues.IssueReportSpec) {
		spec.Issue.DueDate = &metav1.Time{Time: at(seconds)}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	resolved := apply(nil, failed(1), succeeded(2)).Issue
	cases := map[string]struct {
		reason string
		issue  *issues.Issue
		want   int32
	}{
		"Critical": {reason: "critical is 40", issue: apply(nil, failed(1, withSeverity(issues.SeverityCritical))).Issue, want: 40},
		"Major":    {reason: "major is 30", issue: apply(nil, failed(1)).Issue, want: 30},
		"Minor":    {reason: "minor is 20", issue: apply(nil, failed(1, withSeverity(issues.SeverityMinor))).Issue, want: 20},
		"Info":     {reason: "info is 10", issue: apply(nil, failed(1, withSeverity(issues.SeverityInfo))).Issue, want: 10},
		"Overdue":  {reason: "overdue adds 5", issue: apply(nil, failed(1, due(2))).Issue, want: 35},
		"Ahead":    {reason: "a due date to come adds nothing", issue: apply(nil, failed(1, due(7200))).Issue, want: 30},
		"Resolved": {reason: "a Resolved issue ranks last", issue: resolved, want: 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.issue.Status.Rank, tc.reason)
		})
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 54) + ".-" + strings.Repeat("b", 40)
	current := apply(nil, failed(1, due(2), func(s *issues.IssueReportSpec) {
		s.Issue.Application, s.Issue.Component = "shop", long
		s.Issue.GroupKey, s.Issue.Origin = "CVE-2026-1", "mintmaker"
	})).Issue
	require.Equal(t, map[string]string{
		"issues.kite.dev/state":       "Active",
		"issues.kite.dev/severity":    "major",
		"issues.kite.dev/type":        "build",
		"issues.kite.dev/stage":       "Push",
		"issues.kite.dev/releasable":  "true",
		"issues.kite.dev/application": "shop",
		"issues.kite.dev/component":   issue.LabelValue(long),
		"issues.kite.dev/group":       "CVE-2026-1",
		"issues.kite.dev/origin":      "mintmaker",
		"issues.kite.dev/overdue":     "true",
	}, current.Labels)

	resolved := apply(current, succeeded(3)).Issue
	require.Equal(t, "Resolved", resolved.Labels["issues.kite.dev/state"])
	require.NotContains(t, resolved.Labels, "issues.kite.dev/overdue")
}

func TestLabelsOfClientWrites(t *testing.T) {
	t.Parallel()
	const key = issue.LabelPrefix + "severity"
	old := apply(nil, failed(1)).Issue
	cases := map[string]struct {
		reason string
		change func(*issues.Issue)
		want   string
	}{
		"Read":    {reason: "what the client read and sends back gives way to the new value", change: func(*issues.Issue) {}, want: "critical"},
		"Absent":  {reason: "absent is fine", change: func(i *issues.Issue) { i.Labels = nil }, want: "critical"},
		"Right":   {reason: "the right value is fine", change: func(i *issues.Issue) { i.Labels[key] = "critical" }, want: "critical"},
		"Foreign": {reason: "another value stays for validation to refuse", change: func(i *issues.Issue) { i.Labels[key] = "info" }, want: "info"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := old.DeepCopy()
			obj.Spec.Severity = issues.SeverityCritical
			tc.change(obj)
			issue.PrepareUpdate(obj, old, "ann", late)
			require.Equal(t, tc.want, obj.Labels[key], tc.reason)
		})
	}
}

func FuzzLabelValue(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("a", 63))
	f.Add(strings.Repeat("a", 64))
	f.Add(strings.Repeat("a", 54) + "." + strings.Repeat("b", 99))
	f.Fuzz(func(t *testing.T, value string) {
		got := issue.LabelValue(value)
		if len(value) <= 63 {
			require.Equal(t, value, got)
			return
		}
		require.Len(t, got, 63)
		if len(validation.IsValidLabelValue(value[:55]+"x")) == 0 {
			require.Empty(t, validation.IsValidLabelValue(got))
		}
	})
}

func TestConditions(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1, withCause("Timeout"), due(7200))).Issue
	find := func(i *issues.Issue, kind string) metav1.Condition {
		condition := apimeta.FindStatusCondition(i.Status.Conditions, kind)
		require.NotNil(t, condition, kind)
		return *condition
	}
	require.Equal(t, metav1.ConditionFalse, find(current, issues.ConditionResolved).Status)
	require.Equal(t, "Timeout", find(current, issues.ConditionResolved).Reason)
	require.Equal(t, metav1.ConditionFalse, find(current, issues.ConditionOverdue).Status)

	overdue := current.DeepCopy()
	issue.Sync(overdue, current, at(7201))
	require.Equal(t, metav1.ConditionTrue, find(overdue, issues.ConditionOverdue).Status)
	require.Equal(t, at(7201), find(overdue, issues.ConditionOverdue).LastTransitionTime.Time)

	resolved := apply(overdue, succeeded(2)).Issue
	require.Equal(t, metav1.ConditionTrue, find(resolved, issues.ConditionResolved).Status)
	require.Equal(t, at(2), find(resolved, issues.ConditionResolved).LastTransitionTime.Time)
	require.Equal(t, metav1.ConditionFalse, find(resolved, issues.ConditionOverdue).Status)

	again := resolved.DeepCopy()
	issue.Sync(again, resolved, late)
	require.Equal(t, resolved, again, "Sync is idempotent")
}

func TestPrepareStatusUpdate(t *testing.T) {
	t.Parallel()
	old := apply(nil, failed(1)).Issue
	working := metav1.Condition{Type: issues.ConditionRemediationActive, Status: metav1.ConditionTrue, Reason: "Analyzing"}
	cases := map[string]struct {
		reason   string
		change   func(*issues.Issue)
		restored bool
	}{
		"Own": {reason: "conditions, affected and remediation are the controller's", change: func(i *issues.Issue) {
			i.Status.Affected = []issues.AffectedResource{{Kind: "Component", Name: "cart"}}
			i.Status.Remediation = &issues.IssueRemediation{Name: "rr-1", Phase: "Analyzing"}
			i.Status.Conditions = append([]metav1.Condition{working}, i.Status.Conditions...)
		}},
		"State":    {reason: "the state is the server's", restored: true, change: func(i *issues.Issue) { i.Status.State = issues.StateResolved }},
		"Resolved": {reason: "so is its condition", restored: true, change: func(i *issues.Issue) { i.Status.Conditions[0].Status = metav1.ConditionTrue }},
		"Dropped":  {reason: "it cannot be removed", restored: true, change: func(i *issues.Issue) { i.Status.Conditions = nil }},
		"Counts":   {reason: "so are the counters", restored: true, change: func(i *issues.Issue) { i.Status.Occurrences = 99 }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := old.DeepCopy()
			tc.change(obj)
			obj.Spec.Title = "ignored"
			given := obj.DeepCopy()
			require.Equal(t, tc.restored, issue.PrepareStatusUpdate(obj, old, late), tc.reason)
			require.Equal(t, old.Spec, obj.Spec)
			require.Equal(t, old.Status.State, obj.Status.State)
			require.Equal(t, old.Status.Occurrences, obj.Status.Occurrences)
			require.False(t, apimeta.IsStatusConditionTrue(obj.Status.Conditions, issues.ConditionResolved))
			if !tc.restored {
				require.Equal(t, given.Status, obj.Status)
			}
		})
	}
}

func TestPrepareUpdate(t *testing.T) {
	t.Parallel()
	old := apply(nil, failed(1, withCause("Timeout"))).Issue
	obj := old.DeepCopy()
	obj.Spec.Scope.Namespace = ""
	obj.Spec.Cause = "DiskFull"
	obj.Status = issues.IssueStatus{Occurrences: 99}
	issue.PrepareUpdate(obj, old, "ann", late)

	require.Equal(t, "team-gamma", obj.Spec.Scope.Namespace)
	require.Equal(t, int32(1), obj.Status.Occurrences, "the status is not the client's")
	require.Equal(t, int64(2), obj.Generation)
	require.Equal(t, issues.IssueTransition{
		Time: metav1.NewMicroTime(late), From: issues.StateActive, To: issues.StateActive, Reason: "DiskFull", By: "ann",
	}, obj.Status.Transitions[0])
}
