// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

// Reasons of the condition Overdue.
const (
	reasonDueDateAhead  = "DueDateAhead"
	reasonDueDatePassed = "DueDatePassed"
	reasonNotActive     = "NotActive"
)

// severityRank orders severities; an unknown one ranks last.
var severityRank = map[issues.IssueSeverity]int32{
	issues.SeverityCritical: 40,
	issues.SeverityMajor:    30,
	issues.SeverityMinor:    20,
	issues.SeverityInfo:     10,
}

const overdueRank = 5

// Sync brings everything that the server derives in step with spec and state:
// acknowledgement, conditions, rank, labels and observedGeneration. Old is the
// stored issue, nil for a new one. Sync is idempotent, and the only place that
// sets these fields.
func Sync(issue, old *issues.Issue, now time.Time) {
	syncAcknowledgement(issue, now)
	syncResolved(issue, now)
	syncOverdue(issue, now)
	issue.Status.Rank = rank(issue)
	issue.Status.ObservedGeneration = issue.Generation
	syncLabels(issue, old)
}

// syncAcknowledgement ends an acknowledgement whose time is over, whose issue is
// resolved, or whose severity rose. It follows a falling severity down, so that
// the next rise ends it.
func syncAcknowledgement(issue *issues.Issue, now time.Time) {
	ack := issue.Status.Acknowledged
	if ack == nil {
		return
	}
	have, acknowledged := severityRank[issue.Spec.Severity], severityRank[ack.Severity]
	if issue.Status.State != issues.StateActive || !now.Before(ack.Until.Time) || have > acknowledged {
		issue.Status.Acknowledged = nil
		return
	}
	if have < acknowledged {
		ack.Severity = issue.Spec.Severity
	}
}

// syncResolved derives the condition from the newest transition. The message,
// which a person gave, lasts as long as the status.
func syncResolved(issue *issues.Issue, now time.Time) {
	condition := metav1.Condition{
		Type:               issues.ConditionResolved,
		Status:             metav1.ConditionFalse,
		Reason:             issues.ReasonFailed,
		ObservedGeneration: issue.Generation,
		LastTransitionTime: metav1.NewTime(now),
	}
	if issue.Status.State == issues.StateResolved {
		condition.Status = metav1.ConditionTrue
		condition.Reason = issues.ReasonSucceeded
	}
	if len(issue.Status.Transitions) > 0 {
		newest := &issue.Status.Transitions[0]
		condition.Reason = newest.Reason
		condition.LastTransitionTime = metav1.NewTime(newest.Time.Time)
	}
	setCondition(&issue.Status, condition)
}

// syncOverdue keeps the condition on issues that have a due date.
func syncOverdue(issue *issues.Issue, now time.Time) {
	if issue.Spec.DueDate == nil {
		apimeta.RemoveStatusCondition(&issue.Status.Conditions, issues.ConditionOverdue)
		return
	}
	condition := metav1.Condition{
		Type:               issues.ConditionOverdue,
		Status:             metav1.ConditionFalse,
		Reason:             reasonDueDateAhead,
		ObservedGeneration: issue.Generation,
		LastTransitionTime: metav1.NewTime(now),
	}
	switch {
	case issue.Status.State != issues.StateActive:
		condition.Reason = reasonNotActive
	case now.After(issue.Spec.DueDate.Time):
		condition.Status = metav1.ConditionTrue
		condition.Reason = reasonDueDatePassed
	}
	setCondition(&issue.Status, condition)
}

// setCondition keeps the message of a condition whose status stays.
func setCondition(status *issues.IssueStatus, condition metav1.Condition) {
	old := apimeta.FindStatusCondition(status.Conditions, condition.Type)
	if old != nil && old.Status == condition.Status {
		condition.Message = old.Message
	}
	condition.LastTransitionTime = metav1.NewTime(condition.LastTransitionTime.Truncate(time.Second))
	apimeta.SetStatusCondition(&status.Conditions, condition)
}

func setMessage(status *issues.IssueStatus, kind, message string) {
	if condition := apimeta.FindStatusCondition(status.Conditions, kind); condition != nil {
		condition.Message = message
	}
}

func overdue(issue *issues.Issue) bool {
	return apimeta.IsStatusConditionTrue(issue.Status.Conditions, issues.ConditionOverdue)
}

func rank(issue *issues.Issue) int32 {
	if issue.Status.State != issues.StateActive {
		return 0
	}
	out := severityRank[issue.Spec.Severity]
	if overdue(issue) {
		out += overdueRank
	}
	return out
}
