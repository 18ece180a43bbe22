// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1)).Issue
	got, changed := issue.Resolve(current, "ann", &issues.IssueResolution{Reason: "WontFix", Message: "the job is retired"}, at(10))

	require.True(t, changed)
	require.Equal(t, issues.StateResolved, got.Status.State)
	require.Equal(t, "ann", got.Status.ResolvedBy)
	require.Equal(t, microAt(10), got.Status.ResolvedAt)
	condition := apimeta.FindStatusCondition(got.Status.Conditions, issues.ConditionResolved)
	require.Equal(t, metav1.ConditionTrue, condition.Status)
	require.Equal(t, "WontFix", condition.Reason)
	require.Equal(t, "the job is retired", condition.Message)

	again, changed := issue.Resolve(got, "bob", &issues.IssueResolution{}, at(20))
	require.False(t, changed, "resolving is idempotent")
	require.Same(t, got, again)

	later := apply(got, succeeded(30)).Issue
	require.Equal(t, "the job is retired", apimeta.FindStatusCondition(later.Status.Conditions, issues.ConditionResolved).Message)
	reopened := apply(got, failed(30)).Issue
	require.Empty(t, apimeta.FindStatusCondition(reopened.Status.Conditions, issues.ConditionResolved).Message)
}

func TestResolveCountsAsObservation(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(100)).Issue
	got, _ := issue.Resolve(current, "ann", &issues.IssueResolution{}, at(10))
	require.Equal(t, issues.StateResolved, got.Status.State, "a person overrules a failure ahead of the server's clock")

	require.Equal(t, issues.ResultStale, apply(got, failed(99)).Result)
	require.Equal(t, issues.ResultReopened, apply(got, failed(101)).Result)
}

func TestReopen(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1), succeeded(5)).Issue
	got, changed := issue.Reopen(current, "ann", at(3))

	require.True(t, changed)
	require.Equal(t, issues.StateActive, got.Status.State)
	require.Equal(t, int32(1), got.Status.Reopened)
	require.Equal(t, int32(1), got.Status.Occurrences, "nothing failed again")
	require.Nil(t, got.Status.ResolvedAt)
	require.Empty(t, got.Status.ResolvedBy)
	require.Equal(t, issues.ReasonReopened, got.Status.Transitions[0].Reason)

	require.Equal(t, issues.StateActive, apply(got, succeeded(5)).Issue.Status.State, "the recovery that was overruled does not come back")
	require.Equal(t, issues.ResultResolved, apply(got, succeeded(6)).Result)

	again, changed := issue.Reopen(got, "bob", at(20))
	require.False(t, changed)
	require.Same(t, got, again)
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1)).Issue
	acknowledged := func(t *testing.T, until *metav1.Time) *issues.Issue {
		t.Helper()
		got, err := issue.Acknowledge(current, "ann", &issues.IssueAcknowledgement{Note: "on it", Until: until}, at(10))
		require.NoError(t, err)
		return got
	}
	until := metav1.NewTime(late.Add(time.Hour))

	cases := map[string]struct {
		reason string
		after  func(*issues.Issue) *issues.Issue
		want   bool
	}{
		"Stays":    {reason: "another failure does not end it", want: true, after: func(i *issues.Issue) *issues.Issue { return apply(i, failed(20)).Issue }},
		"Resolved": {reason: "resolving ends it", after: func(i *issues.Issue) *issues.Issue { return apply(i, succeeded(20)).Issue }},
		"Rises": {reason: "a rise of severity ends it", after: func(i *issues.Issue) *issues.Issue {
			return apply(i, failed(20, withSeverity(issues.SeverityCritical))).Issue
		}},
		"Falls": {reason: "a fall of severity does not", want: true, after: func(i *issues.Issue) *issues.Issue {
			return apply(i, failed(20, withSeverity(issues.SeverityInfo))).Issue
		}},
		"FallsRise": {reason: "a rise after a fall is a rise", after: func(i *issues.Issue) *issues.Issue {
			return apply(i, failed(20, withSeverity(issues.SeverityInfo)), failed(21, withSeverity(issues.SeverityMajor))).Issue
		}},
		"Ends": {reason: "it ends with its until", after: func(i *issues.Issue) *issues.Issue {
			issue.Sync(i, i.DeepCopy(), until.Time)
			return i
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := acknowledged(t, &until)
			require.Equal(t, "ann", got.Status.Acknowledged.By)
			require.Equal(t, tc.want, tc.after(got).Status.Acknowledged != nil, tc.reason)
		})
	}

	require.Equal(t, at(10).Add(issue.MaxAcknowledgement), acknowledged(t, nil).Status.Acknowledged.Until.Time)
	_, err := issue.Acknowledge(apply(current, succeeded(2)).Issue, "ann", &issues.IssueAcknowledgement{}, at(10))
	require.ErrorIs(t, err, issue.ErrResolved)
}
