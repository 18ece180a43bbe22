// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/issue"
)

func TestValidateIssueReport(t *testing.T) {
	t.Parallel()
	succeeded := func(spec *issues.IssueReportSpec) {
		spec.Outcome = issues.OutcomeSucceeded
		spec.Issue = issues.ReportedIssue{Type: "build", Scope: spec.Issue.Scope}
	}
	cases := map[string]struct {
		reason string
		change func(*issues.IssueReportSpec)
		want   []string
	}{
		"Failed":      {reason: "a whole report is valid", change: func(*issues.IssueReportSpec) {}},
		"Succeeded":   {reason: "the identity suffices", change: succeeded},
		"Empty":       {reason: "everything missing at once", change: func(s *issues.IssueReportSpec) { *s = issues.IssueReportSpec{} }, want: []string{"spec.outcome", "spec.observedAt", "spec.issue.type", "spec.issue.scope.kind", "spec.issue.scope.name"}},
		"EmptyFailed": {reason: "a failure needs title and severity", change: func(s *issues.IssueReportSpec) { s.Issue.Title, s.Issue.Severity, s.Issue.Type = "", "", "" }, want: []string{"spec.issue.title", "spec.issue.severity", "spec.issue.type"}},
		"Outcome":     {reason: "outcomes are an enum", change: func(s *issues.IssueReportSpec) { s.Outcome = "Cancelled"; s.Run = nil }, want: []string{"spec.outcome"}},
		"Ahead":       {reason: "5 minutes are allowed for", change: func(s *issues.IssueReportSpec) { s.ObservedAt = &metav1.MicroTime{Time: now.Add(5 * time.Minute)} }},
		"TooFarAhead": {reason: "more would poison the order for ever", change: func(s *issues.IssueReportSpec) {
			s.ObservedAt = &metav1.MicroTime{Time: now.Add(5*time.Minute + time.Microsecond)}
		}, want: []string{"spec.observedAt"}},
		"Past":        {reason: "late reports are welcome", change: func(s *issues.IssueReportSpec) { s.ObservedAt = &metav1.MicroTime{Time: now.AddDate(-1, 0, 0)} }},
		"AllTypes":    {reason: "all types need no type", change: func(s *issues.IssueReportSpec) { succeeded(s); s.Issue.Type, s.AllTypes = "", true }},
		"NoType":      {reason: "one type is needed otherwise", change: func(s *issues.IssueReportSpec) { succeeded(s); s.Issue.Type = "" }, want: []string{"spec.issue.type"}},
		"FailedAll":   {reason: "a failure is one problem", change: func(s *issues.IssueReportSpec) { s.AllKeys, s.AllTypes = true, true }, want: []string{"spec.allKeys", "spec.allTypes"}},
		"RunOutcome":  {reason: "a run's outcome is the report's", change: func(s *issues.IssueReportSpec) { s.Run.Outcome = issues.OutcomeSucceeded }, want: []string{"spec.run.outcome"}},
		"RunURL":      {reason: "addresses are http or https", change: func(s *issues.IssueReportSpec) { s.Run.URL = "ftp://x" }, want: []string{"spec.run.url"}},
		"RunName":     {reason: "a run has a name", change: func(s *issues.IssueReportSpec) { s.Run.Name = "" }, want: []string{"spec.run.name"}},
		"LongExcerpt": {reason: "64 KiB are read", change: func(s *issues.IssueReportSpec) { s.LogExcerpt = strings.Repeat("x", 64<<10+1) }, want: []string{"spec.logExcerpt"}},
		"FarTime": {reason: "its year is before the first in UTC", change: func(s *issues.IssueReportSpec) {
			s.ObservedAt = &metav1.MicroTime{Time: time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))}
		}, want: []string{"spec.observedAt"}},
		"Null":         {reason: "PostgreSQL stores no U+0000", change: func(s *issues.IssueReportSpec) { s.LogExcerpt = "\x00" }, want: []string{"spec.logExcerpt"}},
		"NullKey":      {reason: "nor in the identity", change: func(s *issues.IssueReportSpec) { s.Issue.Key = "\x00" }, want: []string{"spec.issue.key"}},
		"Reason":       {reason: "it becomes a condition's reason", change: func(s *issues.IssueReportSpec) { s.Reason = "pull request closed" }, want: []string{"spec.reason"}},
		"Affected":     {reason: "kinds are CamelCase", change: func(s *issues.IssueReportSpec) { s.Affected = []issues.AffectedResource{{Kind: "pod", Name: "x"}} }, want: []string{"spec.affected[0].kind"}},
		"ManyAffected": {reason: "100 are enough", change: func(s *issues.IssueReportSpec) { s.Affected = make([]issues.AffectedResource, 101) }, want: []string{"spec.affected"}},
		"Link":         {reason: "links are checked as in an issue", change: func(s *issues.IssueReportSpec) { s.Issue.Links = []issues.IssueLink{{URL: "x", Kind: issues.LinkLog}} }, want: []string{"spec.issue.links[0].url", "spec.issue.links[0].title"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := validateReport(t, newReport(func(r *issues.IssueReport) { tc.change(&r.Spec) }))
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}

func TestValidateIssueResolution(t *testing.T) {
	t.Parallel()
	obj := &issues.IssueResolution{Reason: "Fixed", Message: "by hand"}
	require.Empty(t, withMarkers(t, obj, nil, "resolve", validation.ValidateIssueResolution(obj)))
	obj = &issues.IssueResolution{Reason: "not so", Message: strings.Repeat("x", 1025)}
	require.ElementsMatch(t, []string{"reason", "message"}, paths(withMarkers(t, obj, nil, "resolve", validation.ValidateIssueResolution(obj))))
}

func TestValidateIssueReopening(t *testing.T) {
	t.Parallel()
	obj := &issues.IssueReopening{}
	require.Empty(t, withMarkers(t, obj, nil, "reopen", validation.ValidateIssueReopening(obj)))
	obj.Annotations = map[string]string{"x": "\x00"}
	require.Equal(t, []string{"metadata.annotations[x]"}, paths(validation.ValidateIssueReopening(obj)))
}

func TestValidateIssueAcknowledgement(t *testing.T) {
	t.Parallel()
	until := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }
	cases := map[string]struct {
		reason string
		obj    issues.IssueAcknowledgement
		want   []string
	}{
		"Nothing": {reason: "all of it is optional"},
		"Longest": {reason: "90 days are allowed", obj: issues.IssueAcknowledgement{Until: until(issue.MaxAcknowledgement)}},
		"TooLong": {reason: "more are not", obj: issues.IssueAcknowledgement{Until: until(issue.MaxAcknowledgement + time.Second)}, want: []string{"until"}},
		"Past":    {reason: "it must end in the future", obj: issues.IssueAcknowledgement{Until: until(0)}, want: []string{"until"}},
		"Note":    {reason: "notes are short and storable", obj: issues.IssueAcknowledgement{Note: "\x00" + strings.Repeat("x", 1024)}, want: []string{"note"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := withMarkers(t, &tc.obj, nil, "acknowledge", validation.ValidateIssueAcknowledgement(&tc.obj, now))
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}
