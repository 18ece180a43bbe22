// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	rules "kite.dev/kite/pkg/issue"
)

// maxCause and maxIdentity are how long the API lets a cause and a run's UID be.
const (
	maxCause    = 128
	maxIdentity = 128
)

// about is the resource that an event speaks of.
func (e *kubeEvent) about() corev1.ObjectReference {
	if e.InvolvedObject.Kind != "" {
		return e.InvolvedObject
	}
	return e.Regarding
}

func (e *kubeEvent) text() string { return cmp.Or(e.Message, e.Note) }

// symptom is what an event shows or ends, nil for all that is not known.
func (e *kubeEvent) symptom(table *workload.Table) (*workload.Symptom, issuesv1alpha1.Outcome) {
	if e.Type == corev1.EventTypeWarning {
		return table.ByEvent(e.Reason, e.text()), issuesv1alpha1.OutcomeFailed
	}
	return table.EndedBy(e.Reason, e.text()), issuesv1alpha1.OutcomeSucceeded
}

// skipped says why an event is not reported, or "".
func (e *kubeEvent) skipped(table *workload.Table) string {
	about := e.about()
	if about.Namespace == "" {
		return "the event is about nothing in a namespace"
	}
	// Who may write events in one namespace can name any other in them.
	if e.Namespace != about.Namespace {
		return "the event is not in the namespace that it is about"
	}
	if len(validation.IsDNS1123Label(about.Namespace)) > 0 || about.Name == "" || !workload.IsKind(groupOf(&about), about.Kind) {
		return "the event does not name its resource"
	}
	if workload.IsTaskRuns(about.Kind, about.Name) {
		return "the pod is a TaskRun's"
	}
	if symptom, _ := e.symptom(table); symptom == nil {
		return "reason " + e.Reason + " is no symptom"
	}
	return ""
}

func groupOf(about *corev1.ObjectReference) string {
	group, _, found := strings.Cut(about.APIVersion, "/")
	if !found {
		return "" // v1
	}
	return group
}

// at is when the event was seen last.
func (e *kubeEvent) at(sent, now time.Time) time.Time {
	if e.Series != nil && !e.Series.LastObservedTime.IsZero() {
		return e.Series.LastObservedTime.Time
	}
	for _, t := range []time.Time{
		e.LastTimestamp.Time, e.DeprecatedLastTimestamp.Time, e.EventTime.Time, e.CreationTimestamp.Time, sent,
	} {
		if !t.IsZero() {
			return t
		}
	}
	return now
}

// identity is new each time that Kubernetes counts the event again, and the same when it
// is sent again. Without a UID of the event it is what identifies the CloudEvent.
func (e *kubeEvent) identity(sent string) types.UID {
	count := max(e.Count, e.DeprecatedCount)
	if e.Series != nil {
		count = max(count, e.Series.Count)
	}
	if e.UID == "" {
		return types.UID(gateway.Digest("cloudevent", sent))
	}
	if len(e.UID) > maxIdentity/2 {
		return types.UID(gateway.Digest("event", fmt.Sprintf("%s-%d", e.UID, count)))
	}
	return types.UID(fmt.Sprintf("%s-%d", e.UID, count))
}

// spec is the report of an event with a symptom.
func (e *kubeEvent) spec(table *workload.Table, expiry time.Duration, sent envelope, now time.Time) issuesv1alpha1.IssueReportSpec {
	symptom, outcome := e.symptom(table)
	about := e.about()
	issue := workload.Problem(workload.ScopeOf(groupOf(&about), about.Kind, about.Name), symptom.Key)
	if issue.Scope.Kind == about.Kind && issue.Scope.Name == about.Name && len(about.UID) <= maxIdentity {
		issue.Scope.UID = about.UID
	}
	if outcome == issuesv1alpha1.OutcomeFailed {
		e.describe(&issue, symptom)
		issue.ExpiresAfter = &metav1.Duration{Duration: expiry}
	}
	observed := metav1.NewMicroTime(e.at(sent.time, now))
	return issuesv1alpha1.IssueReportSpec{
		Outcome: outcome, ObservedAt: &observed, Issue: issue,
		Run: &issuesv1alpha1.IssueRun{Kind: "Event", Name: workload.Cut(cmp.Or(e.Name, e.Reason)), UID: e.identity(sent.id)},
	}
}

func (e *kubeEvent) describe(issue *issuesv1alpha1.ReportedIssue, symptom *workload.Symptom) {
	about := e.about()
	issue.Title = gateway.Title(fmt.Sprintf("%s %s: %s", issue.Scope.Kind, issue.Scope.Name, symptom.Title))
	issue.Description = gateway.Description(fmt.Sprintf("%s\n\n%s of %s %s", e.text(), e.Reason, about.Kind, about.Name))
	issue.Severity = symptom.Severity
	if rules.IsReason(e.Reason) && len(e.Reason) <= maxCause {
		issue.Cause = e.Reason
	}
}
