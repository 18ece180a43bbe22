// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package reporttest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/report/reporttest"
)

// TestRefusals: a producer's test fails where the server would answer 422, with its fields.
func TestRefusals(t *testing.T) {
	t.Parallel()
	valid := issuesv1alpha1.ReportedIssue{
		Title: "web fails", Type: "runtime", Severity: issuesv1alpha1.SeverityMajor,
		Scope: issuesv1alpha1.IssueScope{APIGroup: "apps", Kind: "Deployment", Name: "web"},
	}
	identity := issuesv1alpha1.ReportedIssue{Type: valid.Type, Scope: valid.Scope}
	edited := func(edit func(*issuesv1alpha1.ReportedIssue)) issuesv1alpha1.ReportedIssue {
		out := valid
		edit(&out)
		return out
	}
	cases := map[string]issuesv1alpha1.IssueReportSpec{
		"Failed":    {Outcome: issuesv1alpha1.OutcomeFailed, Issue: valid},
		"Succeeded": {Outcome: issuesv1alpha1.OutcomeSucceeded, Issue: identity},
		"AllTypes":  {Outcome: issuesv1alpha1.OutcomeSucceeded, Issue: issuesv1alpha1.ReportedIssue{Scope: valid.Scope}, AllTypes: true},
		"Identity":  {Outcome: issuesv1alpha1.OutcomeFailed, Issue: identity},
		"Empty":     {Outcome: issuesv1alpha1.OutcomeFailed},
		"NoScope":   {Outcome: issuesv1alpha1.OutcomeSucceeded, Issue: issuesv1alpha1.ReportedIssue{Type: "build"}},
		"NoType":    {Outcome: issuesv1alpha1.OutcomeSucceeded, Issue: issuesv1alpha1.ReportedIssue{Scope: valid.Scope}},
		"NoOutcome": {Issue: valid},
		"Severity":  {Outcome: issuesv1alpha1.OutcomeFailed, Issue: edited(func(i *issuesv1alpha1.ReportedIssue) { i.Severity = "bad" })},
		"Stage":     {Outcome: issuesv1alpha1.OutcomeFailed, Issue: edited(func(i *issuesv1alpha1.ReportedIssue) { i.Stage = "push" })},
		"LongTitle": {Outcome: issuesv1alpha1.OutcomeFailed, Issue: edited(func(i *issuesv1alpha1.ReportedIssue) { i.Title = strings.Repeat("x", 257) })},
		"LongKey":   {Outcome: issuesv1alpha1.OutcomeFailed, Issue: edited(func(i *issuesv1alpha1.ReportedIssue) { i.Key = strings.Repeat("x", 254) })},
	}
	for name, spec := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := &reporttest.Recorder{}
			answer := recorder.Batch(t.Context(), []report.Report{{Namespace: "team-gamma", Spec: spec}})[0]
			want := server(t, spec)
			if want.Len() == 0 {
				require.NoError(t, answer.Err)
				require.Len(t, recorder.Reports(), 1)
				return
			}
			require.True(t, apierrors.IsInvalid(answer.Err), "%v", answer.Err)
			status, _ := answer.Err.(apierrors.APIStatus)
			have := sets.New[string]()
			for _, cause := range status.Status().Details.Causes {
				have.Insert(cause.Field)
			}
			require.Equal(t, want, have)
			require.Empty(t, recorder.Reports())
		})
	}
}

// server returns the fields that the server refuses.
func server(t *testing.T, spec issuesv1alpha1.IssueReportSpec) sets.Set[string] {
	t.Helper()
	now := metav1.NewMicroTime(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	spec.ObservedAt = &now
	sent, internal := &issuesv1alpha1.IssueReport{Spec: spec}, &issues.IssueReport{}
	require.NoError(t, issuesv1alpha1.Convert_v1alpha1_IssueReport_To_issues_IssueReport(sent, internal, nil))
	errs := issuesv1alpha1.Validate_IssueReport(t.Context(), operation.Operation{Type: operation.Create}, nil, sent, nil)
	out := sets.New[string]()
	for _, err := range append(errs, validation.ValidateIssueReport(internal, now.Time)...) {
		out.Insert(err.Field)
	}
	return out
}
