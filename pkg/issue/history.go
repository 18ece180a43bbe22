// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
)

const (
	// MaxRuns is how many runs an issue keeps.
	MaxRuns = 20
	// MaxTransitions is how many transitions an issue keeps.
	MaxTransitions = 20
)

// addRun keeps the newest runs, newest first, whatever the order of arrival.
func addRun(status *issues.IssueStatus, spec *issues.IssueReportSpec, at time.Time) {
	if spec.Run == nil {
		return
	}
	run := *spec.Run
	run.Outcome = spec.Outcome
	run.At = &metav1.MicroTime{Time: at}

	index, _ := slices.BinarySearchFunc(status.Runs, run, newestFirst)
	status.Runs = slices.Insert(status.Runs, index, run)
	if len(status.Runs) > MaxRuns {
		status.Runs = status.Runs[:MaxRuns]
	}
}

// newestFirst reverses the order of observations: time, Failed before
// Succeeded, UID. Names come last, so that the order is total.
func newestFirst(a, b issues.IssueRun) int {
	return cmp.Or(
		b.At.Compare(a.At.Time),
		cmp.Compare(b.Outcome, a.Outcome),
		cmp.Compare(b.UID, a.UID),
		cmp.Compare(b.Namespace, a.Namespace),
		cmp.Compare(b.Name, a.Name),
	)
}

// reportedRun is the UID of the run whose failure the issue describes.
func reportedRun(status *issues.IssueStatus) types.UID {
	for i := range status.Runs {
		run := &status.Runs[i]
		if run.Outcome == issues.OutcomeFailed && run.At.Time.Equal(status.ReportedAt.Time) {
			return run.UID
		}
	}
	return ""
}

func runUID(spec *issues.IssueReportSpec) types.UID {
	if spec.Run == nil {
		return ""
	}
	return spec.Run.UID
}

func addTransition(status *issues.IssueStatus, transition issues.IssueTransition) {
	status.Transitions = slices.Insert(status.Transitions, 0, transition)
	if len(status.Transitions) > MaxTransitions {
		status.Transitions = status.Transitions[:MaxTransitions]
	}
}

// resolve makes an Active issue Resolved.
func resolve(status *issues.IssueStatus, transition issues.IssueTransition) {
	at := transition.Time
	status.State = issues.StateResolved
	status.LastRecovered = &at
	status.ResolvedAt = at.DeepCopy()
	status.ResolvedBy = transition.By
	transition.From, transition.To = issues.StateActive, issues.StateResolved
	addTransition(status, transition)
}

// reopen makes a Resolved issue Active.
func reopen(status *issues.IssueStatus, transition issues.IssueTransition) {
	status.State = issues.StateActive
	saturate(&status.Reopened)
	status.ResolvedAt = nil
	status.ResolvedBy = ""
	transition.From, transition.To = issues.StateResolved, issues.StateActive
	addTransition(status, transition)
}

// noteCause adds a transition when the cause of an issue changed that was Active
// before and still is. A change of state has told the new cause already.
func noteCause(issue, old *issues.Issue, transition issues.IssueTransition) {
	if issue.Spec.Cause == old.Spec.Cause {
		return
	}
	if old.Status.State != issues.StateActive || issue.Status.State != issues.StateActive {
		return
	}
	transition.From, transition.To = issues.StateActive, issues.StateActive
	transition.Reason = causeReason(&issue.Spec, issues.ReasonFailed)
	addTransition(&issue.Status, transition)
}
