// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func TestApply(t *testing.T) {
	t.Parallel()
	type want struct {
		result      issues.ReportResult
		changed     bool
		state       issues.IssueState
		occurrences int32
		reopened    int32
		transitions int
	}
	const active, resolved = issues.StateActive, issues.StateResolved
	cases := map[string]struct {
		reason  string
		reports []*issues.IssueReport
		want    want
	}{
		"Create": {
			reason:  "the first failure opens an issue",
			reports: []*issues.IssueReport{failed(1)},
			want:    want{issues.ResultCreated, true, active, 1, 0, 1},
		},
		"Again": {
			reason:  "another failure is counted",
			reports: []*issues.IssueReport{failed(1), failed(2)},
			want:    want{issues.ResultUpdated, true, active, 2, 0, 1},
		},
		"SameTime": {
			reason:  "the same observation again changes nothing",
			reports: []*issues.IssueReport{failed(1), failed(1)},
			want:    want{issues.ResultUnchanged, false, active, 1, 0, 1},
		},
		"SameRun": {
			reason:  "a run counts once, whenever it is said to have failed",
			reports: []*issues.IssueReport{failed(1, withRun("a")), failed(2, withRun("a"))},
			want:    want{issues.ResultUnchanged, false, active, 1, 0, 1},
		},
		"TwoRunsOneTime": {
			reason:  "two runs that fail in one instant are two",
			reports: []*issues.IssueReport{failed(1, withRun("a")), failed(1, withRun("b"))},
			want:    want{issues.ResultUpdated, true, active, 2, 0, 1},
		},
		"Resolve": {
			reason:  "a recovery resolves",
			reports: []*issues.IssueReport{failed(1), succeeded(2)},
			want:    want{issues.ResultResolved, true, resolved, 1, 0, 2},
		},
		"ResolveAgain": {
			reason:  "the same recovery again changes nothing",
			reports: []*issues.IssueReport{failed(1), succeeded(2), succeeded(2)},
			want:    want{issues.ResultUnchanged, false, resolved, 1, 0, 2},
		},
		"ResolveLater": {
			reason:  "a newer recovery is remembered for failures that arrive late, and no more",
			reports: []*issues.IssueReport{failed(1), succeeded(2), succeeded(4)},
			want:    want{issues.ResultUnchanged, true, resolved, 1, 0, 2},
		},
		"LateFailureBetweenRecoveries": {
			reason:  "a failure before the newest recovery is counted and reopens nothing",
			reports: []*issues.IssueReport{failed(1), succeeded(2), succeeded(4), failed(3)},
			want:    want{issues.ResultStale, true, resolved, 2, 0, 2},
		},
		"FailOkFail": {
			reason:  "one issue fails, recovers and fails",
			reports: []*issues.IssueReport{failed(1), succeeded(2), failed(3)},
			want:    want{issues.ResultReopened, true, active, 2, 1, 3},
		},
		"LateSuccess": {
			reason:  "a recovery that a newer failure overtook is stale",
			reports: []*issues.IssueReport{failed(3), succeeded(2)},
			want:    want{issues.ResultStale, false, active, 1, 0, 1},
		},
		"LateFailureSinceRecovery": {
			reason:  "a failure older than the last applied one but newer than the recovery counts",
			reports: []*issues.IssueReport{failed(1), succeeded(2), failed(4), failed(3)},
			want:    want{issues.ResultUpdated, true, active, 3, 1, 3},
		},
		"TieResolves": {
			reason:  "at one time, Failed comes before Succeeded",
			reports: []*issues.IssueReport{failed(1), succeeded(1)},
			want:    want{issues.ResultResolved, true, resolved, 1, 0, 2},
		},
		"TieStale": {
			reason:  "at one time, a failure that arrives second does not reopen",
			reports: []*issues.IssueReport{failed(1), succeeded(2), failed(2)},
			want:    want{issues.ResultStale, true, resolved, 2, 0, 2},
		},
		"RecoveredBeforeReopen": {
			reason:  "the recovery before the last failure is known, not stale",
			reports: []*issues.IssueReport{failed(1), succeeded(2), failed(3), succeeded(2)},
			want:    want{issues.ResultUnchanged, false, active, 2, 1, 3},
		},
		"CauseChanges": {
			reason:  "the same issue shows the new cause and a transition",
			reports: []*issues.IssueReport{failed(1, withCause("Timeout")), failed(2, withCause("OOMKilled"))},
			want:    want{issues.ResultUpdated, true, active, 2, 0, 2},
		},
		"OldCause": {
			reason:  "a late failure does not bring its cause back",
			reports: []*issues.IssueReport{failed(2, withCause("OOMKilled")), failed(1, withCause("Timeout"))},
			want:    want{issues.ResultUpdated, true, active, 2, 0, 1},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := apply(nil, tc.reports...)
			status := got.Issue.Status
			require.Equal(t, tc.want, want{
				got.Result, got.Changed, status.State, status.Occurrences, status.Reopened, len(status.Transitions),
			}, tc.reason)
		})
	}
}

func TestApplySuccessWithoutIssue(t *testing.T) {
	t.Parallel()
	got := apply(nil, succeeded(1))
	require.Equal(t, issue.Decision{Result: issues.ResultUnchanged}, got, "health is no issue")
}

func TestApplyCreates(t *testing.T) {
	t.Parallel()
	got := apply(nil, failed(1, withRun("a"), withCause("Timeout"))).Issue

	require.Equal(t, "team-gamma", got.Namespace)
	require.Equal(t, issue.IdentityOf(got.Namespace, &got.Spec).Names()[0], got.Name)
	require.Equal(t, "team-gamma", got.Spec.Scope.Namespace, "the scope's namespace defaults to the issue's")
	require.Equal(t, "robot", got.Status.ReportedBy)
	require.Equal(t, microAt(1), got.Status.FirstSeen)
	require.Equal(t, microAt(1), got.Status.LastSeen)
	require.Equal(t, issues.OutcomeFailed, got.Status.Runs[0].Outcome)
	require.Equal(t, issues.IssueTransition{
		Time: *microAt(1), To: issues.StateActive, Reason: "Timeout", By: "robot",
	}, got.Status.Transitions[0])
	require.Equal(t, int64(1), got.Status.ObservedGeneration)
}

func TestApplyLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1, withRun("a"))).Issue
	before := current.DeepCopy()
	apply(current, failed(2, withRun("b")), succeeded(3, withRun("c")), failed(4))
	require.Equal(t, before, current)
}

func TestApplyKeepsResolvedAt(t *testing.T) {
	t.Parallel()
	got := apply(nil, failed(1), succeeded(2), succeeded(5)).Issue
	require.Equal(t, microAt(2), got.Status.ResolvedAt)
	require.Equal(t, microAt(5), got.Status.LastRecovered)
	require.Equal(t, "robot", got.Status.ResolvedBy)
	require.Nil(t, apply(got, failed(6)).Issue.Status.ResolvedAt, "an Active issue is not resolved")
}

func TestApplyOnlyTheReporterResolves(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1)).Issue
	byHand := &issues.Issue{Spec: current.Spec}
	issue.PrepareCreate(byHand, "ann", at(1))

	cases := map[string]struct {
		reason  string
		current *issues.Issue
		by      issue.Reporter
		want    issues.ReportResult
	}{
		"Same":          {reason: "who reported may take it back", current: current, by: robot, want: issues.ResultResolved},
		"Other":         {reason: "another CI token closes nothing", current: current, by: issue.Reporter{User: "mallory"}, want: issues.ResultUnchanged},
		"Privileged":    {reason: "whoever may update issues/status may resolve any", current: current, by: issue.Reporter{User: "op", ResolvesAny: true}, want: issues.ResultResolved},
		"ByHand":        {reason: "nobody reported an issue written by hand", current: byHand, by: robot, want: issues.ResultUnchanged},
		"ByHandNobody":  {reason: "an empty user is not the empty reporter", current: byHand, by: issue.Reporter{}, want: issues.ResultUnchanged},
		"ByHandAllowed": {reason: "the privilege covers issues written by hand", current: byHand, by: issue.Reporter{User: "op", ResolvesAny: true}, want: issues.ResultResolved},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, issue.Apply(tc.current, succeeded(2), tc.by, late).Result, tc.reason)
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(1, func(s *issues.IssueReportSpec) { s.Issue.Key = "41" })).Issue
	cases := map[string]struct {
		reason string
		change reportOption
		want   bool
	}{
		"Same":    {reason: "the identity suffices", change: func(s *issues.IssueReportSpec) { s.Issue.Key = "41" }, want: true},
		"NoKey":   {reason: "an absent key matches only issues without one", change: func(*issues.IssueReportSpec) {}},
		"AllKeys": {reason: "allKeys widens to every key", change: func(s *issues.IssueReportSpec) { s.AllKeys = true }, want: true},
		"NoStage": {reason: "an absent stage matches only issues without one", change: func(s *issues.IssueReportSpec) { s.Issue.Stage, s.AllKeys = "", true }},
		"AllTypes": {reason: "allTypes widens to every type", change: func(s *issues.IssueReportSpec) {
			s.Issue.Type, s.AllKeys, s.AllTypes = "", true, true
		}, want: true},
		"OtherScope": {reason: "nothing widens the scope", change: func(s *issues.IssueReportSpec) {
			s.Issue.Scope.Name, s.AllKeys, s.AllTypes = "cart", true, true
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, issue.Matches(current, succeeded(2, tc.change)), tc.reason)
		})
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	current := apply(nil, failed(0, func(s *issues.IssueReportSpec) {
		s.Issue.ExpiresAfter = &metav1.Duration{Duration: time.Minute}
	})).Issue
	require.False(t, issue.Expired(current, at(59)))
	require.True(t, issue.Expired(current, at(60)))

	resolved := apply(current, succeeded(1)).Issue
	require.False(t, issue.Expired(resolved, at(600)))
	reopened, _ := issue.Reopen(resolved, "ann", at(50))
	require.False(t, issue.Expired(reopened, at(109)), "a person's reopening starts the time anew")
	require.True(t, issue.Expired(reopened, at(110)))
}
