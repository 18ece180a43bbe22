// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// epoch is the time zero of the tests: observations are at epoch plus seconds.
var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// late is a server's time after every observation of the tests.
var late = epoch.Add(time.Hour)

var robot = issue.Reporter{User: "robot"}

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func microAt(seconds int) *metav1.MicroTime { return &metav1.MicroTime{Time: at(seconds)} }

type reportOption func(*issues.IssueReportSpec)

func withRun(uid string) reportOption {
	return func(spec *issues.IssueReportSpec) {
		spec.Run = &issues.IssueRun{Kind: "PipelineRun", Name: "run-" + uid, UID: types.UID(uid)}
	}
}

func withCause(cause string) reportOption {
	return func(spec *issues.IssueReportSpec) { spec.Issue.Cause = cause }
}

func withTitle(title string) reportOption {
	return func(spec *issues.IssueReportSpec) { spec.Issue.Title = title }
}

func withSeverity(severity issues.IssueSeverity) reportOption {
	return func(spec *issues.IssueReportSpec) { spec.Issue.Severity = severity }
}

func failed(seconds int, options ...reportOption) *issues.IssueReport {
	return report(issues.OutcomeFailed, seconds, options...)
}

func succeeded(seconds int, options ...reportOption) *issues.IssueReport {
	return report(issues.OutcomeSucceeded, seconds, options...)
}

func report(outcome issues.Outcome, seconds int, options ...reportOption) *issues.IssueReport {
	out := &issues.IssueReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma"},
		Spec: issues.IssueReportSpec{
			Outcome:    outcome,
			ObservedAt: microAt(seconds),
			Issue: issues.ReportedIssue{
				Title:    "build of checkout failed",
				Type:     issues.TypeBuild,
				Severity: issues.SeverityMajor,
				Scope:    issues.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: "checkout"},
				Stage:    issues.StagePush,
			},
		},
	}
	for _, option := range options {
		option(&out.Spec)
	}
	return out
}

// apply applies reports of robot one after the other, on top of an issue or nil,
// and returns the last decision.
func apply(current *issues.Issue, reports ...*issues.IssueReport) issue.Decision {
	decision := issue.Decision{Issue: current}
	for _, report := range reports {
		decision = issue.Apply(decision.Issue, report, robot, late)
	}
	return decision
}
