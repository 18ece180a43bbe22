// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// observed is the time of the first observation of a test, in the past.
var observed = time.Now().Add(-time.Hour).Truncate(time.Second)

type reportEdit func(*v1alpha1.IssueReportSpec)

func newReport(outcome v1alpha1.Outcome, seconds int, edits ...reportEdit) *v1alpha1.IssueReport {
	at := metav1.NewMicroTime(observed.Add(time.Duration(seconds) * time.Second))
	report := &v1alpha1.IssueReport{Spec: v1alpha1.IssueReportSpec{
		Outcome:    outcome,
		ObservedAt: &at,
		Issue: v1alpha1.ReportedIssue{
			Title: "Build of checkout fails", Type: v1alpha1.TypeBuild, Severity: v1alpha1.SeverityMajor,
			Scope: v1alpha1.IssueScope{Kind: "Component", Name: "checkout"}, Stage: v1alpha1.StagePush,
		},
	}}
	for _, edit := range edits {
		edit(&report.Spec)
	}
	return report
}

func failed(seconds int, edits ...reportEdit) *v1alpha1.IssueReport {
	return newReport(v1alpha1.OutcomeFailed, seconds, edits...)
}

func succeeded(seconds int, edits ...reportEdit) *v1alpha1.IssueReport {
	return newReport(v1alpha1.OutcomeSucceeded, seconds, edits...)
}

func withRun(n int) reportEdit {
	return func(spec *v1alpha1.IssueReportSpec) {
		spec.Run = &v1alpha1.IssueRun{
			Kind: "PipelineRun", Name: fmt.Sprint("run-", n), UID: types.UID(fmt.Sprint("uid-", n)), Outcome: spec.Outcome,
		}
	}
}

// derivedNames are the names that the reports' issue may have, in order.
func derivedNames() []string {
	return rules.Identity{
		Namespace: namespace, Type: "build", ScopeKind: "Component", ScopeNamespace: namespace, ScopeName: "checkout", Stage: "Push",
	}.Names()
}

// reportedByHand is an issue with the reports' identity, under any name.
func reportedByHand(name string) *v1alpha1.Issue {
	issue := newIssue(name)
	issue.Spec.Scope.Name, issue.Spec.Stage = "checkout", v1alpha1.StagePush
	return issue
}

// report sends a report and returns the answer.
func report(t testing.TB, cfg *rest.Config, report *v1alpha1.IssueReport) v1alpha1.IssueReportStatus {
	t.Helper()
	answer, err := Client(t, cfg).IssuesV1alpha1().IssueReports(namespace).Create(t.Context(), report, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, answer.Status.Result)
	return answer.Status
}

func getIssue(t testing.TB, cfg *rest.Config, name string) *v1alpha1.Issue {
	t.Helper()
	issue, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Get(t.Context(), name, metav1.GetOptions{})
	require.NoError(t, err)
	return issue
}

// revision is the newest resource version; each write of a test's schema adds one.
func revision(t testing.TB, cfg *rest.Config) string {
	t.Helper()
	list, err := Client(t, cfg).IssuesV1alpha1().Issues("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return list.ResourceVersion
}

func statusOf(t testing.TB, err error) metav1.Status {
	t.Helper()
	status, ok := err.(apierrors.APIStatus)
	require.True(t, ok, "%v", err)
	return status.Status()
}

// fieldsOf lists the fields that a refusal names, sorted, each as often as it is
// named.
func fieldsOf(t testing.TB, err error) []string {
	t.Helper()
	status := statusOf(t, err)
	require.NotNil(t, status.Details, "%v", err)
	var out []string
	for _, cause := range status.Details.Causes {
		out = append(out, cause.Field)
	}
	slices.Sort(out)
	return out
}

// warnings collects what a server warns of.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// warned returns cfg with a collector of warnings.
func warned(cfg *rest.Config) (*rest.Config, *warnings) {
	cfg, w := rest.CopyConfig(cfg), &warnings{}
	cfg.WarningHandler = w
	return cfg, w
}
