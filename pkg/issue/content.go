// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

const maxReason = 128

var reasonPattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`)

// DefaultScope fills in the scope's namespace: the issue's own.
func DefaultScope(namespace string, scope *issues.IssueScope) {
	if scope.Namespace == "" {
		scope.Namespace = namespace
	}
}

// BumpGeneration counts changes of the spec, as every Kubernetes object does.
func BumpGeneration(issue, old *issues.Issue) {
	issue.Generation = old.Generation
	if !apiequality.Semantic.DeepEqual(issue.Spec, old.Spec) {
		issue.Generation++
	}
}

// describe takes over what the newest report says.
func describe(issue *issues.Issue, spec *issues.IssueReportSpec, by Reporter, at time.Time) {
	status := &issue.Status
	if status.Reported != nil {
		merge(&issue.Spec, specOf(status.Reported), specOf(&spec.Issue))
	}
	status.Reported = spec.Issue.DeepCopy()
	DefaultScope(issue.Namespace, &status.Reported.Scope)
	status.ReportedAt = &metav1.MicroTime{Time: at}
	status.ReportedBy = by.User
	status.Source = spec.Source
	status.LogExcerpt = tail(spec.LogExcerpt, MaxLogExcerpt)
	status.Affected = append([]issues.AffectedResource(nil), spec.Affected...)
}

// keepLasting lets an Active issue end with the failure that lasts until a recovery, where
// another one expires, whichever is newer: a producer that says no more of a problem must not
// end what another one still sees.
func keepLasting(issue, old *issues.Issue, spec *issues.IssueReportSpec, by Reporter) {
	last, expiry := old.Status.Reported, spec.Issue.ExpiresAfter
	switch {
	case last == nil || (last.ExpiresAfter == nil) == (expiry == nil):
		return
	case expiry == nil:
		follow(&issue.Spec.ExpiresAfter, issue.Status.Reported.ExpiresAfter, nil)
		issue.Status.ReportedBy, issue.Status.Source = by.User, spec.Source
	default:
		issue.Spec.ExpiresAfter = old.Spec.ExpiresAfter
		issue.Status.ReportedBy, issue.Status.Source = old.Status.ReportedBy, old.Status.Source
	}
	issue.Status.Reported.ExpiresAfter = nil
}

// merge changes the fields of spec that still are what the last report gave, so
// that what a person edited stays. The identity never changes.
func merge(spec, last, next *issues.IssueSpec) {
	follow(&spec.Title, last.Title, next.Title)
	follow(&spec.Description, last.Description, next.Description)
	follow(&spec.Severity, last.Severity, next.Severity)
	follow(&spec.Application, last.Application, next.Application)
	follow(&spec.Component, last.Component, next.Component)
	follow(&spec.GroupKey, last.GroupKey, next.GroupKey)
	follow(&spec.Origin, last.Origin, next.Origin)
	follow(&spec.Cause, last.Cause, next.Cause)
	follow(&spec.Links, last.Links, next.Links)
	follow(&spec.DueDate, last.DueDate, next.DueDate)
	follow(&spec.Migration, last.Migration, next.Migration)
	follow(&spec.RelatedIssues, last.RelatedIssues, next.RelatedIssues)
	follow(&spec.ExpiresAfter, last.ExpiresAfter, next.ExpiresAfter)
	if next.Scope.UID != "" {
		follow(&spec.Scope.UID, last.Scope.UID, next.Scope.UID)
	}
}

func follow[T any](field *T, last, next T) {
	if apiequality.Semantic.DeepEqual(*field, last) {
		*field = next
	}
}

// specOf returns a copy of what a report says as an issue's spec. The conversion
// compiles only while both types have the same fields.
func specOf(reported *issues.ReportedIssue) *issues.IssueSpec {
	spec := issues.IssueSpec(*reported.DeepCopy())
	return &spec
}

// failureReason is the report's, else the cause.
func failureReason(report *issues.IssueReportSpec, spec *issues.IssueSpec) string {
	if report.Reason != "" {
		return report.Reason
	}
	return causeReason(spec, issues.ReasonFailed)
}

// causeReason leaves out a cause that validation will refuse: its error is about
// the spec, not about a transition that nobody wrote.
func causeReason(spec *issues.IssueSpec, fallback string) string {
	if !IsReason(spec.Cause) {
		return fallback
	}
	return spec.Cause
}

// IsReason says whether text can be the reason of a condition or transition: one
// word of at most 128 letters, digits, '_', ',' and ':' that begins with a letter.
func IsReason(text string) bool {
	return len(text) <= maxReason && reasonPattern.MatchString(text)
}

// tail returns the last whole characters of text that fit into limit bytes.
func tail(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	start := len(text) - limit
	for !utf8.RuneStart(text[start]) {
		start++
	}
	return text[start:]
}
