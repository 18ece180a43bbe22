// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"math"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

// PrepareCreate makes an issue that a person or a client wrote by hand ready to
// be stored: Active since now, whatever its status says, and seen once.
func PrepareCreate(issue *issues.Issue, by string, now time.Time) {
	at := micro(now.Truncate(time.Microsecond))
	DefaultScope(issue.Namespace, &issue.Spec.Scope)
	issue.Generation = 1
	issue.Status = issues.IssueStatus{
		State:       issues.StateActive,
		FirstSeen:   &at,
		LastSeen:    at.DeepCopy(),
		Occurrences: 1,
	}
	addTransition(&issue.Status, issues.IssueTransition{
		Time: at, To: issues.StateActive, Reason: causeReason(&issue.Spec, issues.ReasonCreated), By: by,
	})
	Sync(issue, nil, now)
}

// PrepareUpdate makes a client's write of the main resource ready to be stored.
// The status stays the old one, but for what follows from the spec.
func PrepareUpdate(issue, old *issues.Issue, by string, now time.Time) {
	DefaultScope(old.Namespace, &issue.Spec.Scope)
	issue.Status = *old.Status.DeepCopy()
	BumpGeneration(issue, old)
	noteCause(issue, old, issues.IssueTransition{Time: micro(now.Truncate(time.Microsecond)), By: by})
	Sync(issue, old, now)
}

// PrepareStatusUpdate makes a controller's write of the status subresource ready
// to be stored: of the status, only conditions, affected and remediation are the
// client's. It returns true when it had to restore anything else, which deserves
// a warning.
func PrepareStatusUpdate(issue, old *issues.Issue, now time.Time) (restored bool) {
	given := issue.Status
	issue.Spec = *old.Spec.DeepCopy()
	issue.Generation = old.Generation
	issue.Status = *old.Status.DeepCopy()
	issue.Status.Affected = given.Affected
	issue.Status.Remediation = given.Remediation
	issue.Status.Conditions = clientConditions(given.Conditions, old.Status.Conditions)

	kept := issue.Status
	Sync(issue, old, now)
	return !apiequality.Semantic.DeepEqual(kept, given)
}

// clientConditions are the client's, in the client's order, with the server's
// own as they were.
func clientConditions(given, old []metav1.Condition) []metav1.Condition {
	out := make([]metav1.Condition, 0, len(given))
	for i := range given {
		if !serverCondition(given[i].Type) {
			out = append(out, given[i])
			continue
		}
		if kept := apimeta.FindStatusCondition(old, given[i].Type); kept != nil {
			out = append(out, *kept)
		}
	}
	for i := range old {
		if serverCondition(old[i].Type) && apimeta.FindStatusCondition(given, old[i].Type) == nil {
			out = append(out, old[i])
		}
	}
	return out
}

func serverCondition(kind string) bool {
	return kind == issues.ConditionResolved || kind == issues.ConditionOverdue
}

// saturate keeps counters from wrapping around.
func saturate(n *int32) {
	if *n < math.MaxInt32 {
		*n++
	}
}
