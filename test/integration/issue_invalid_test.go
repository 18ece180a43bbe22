// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestInvalidIssue: each refusal is a 422 that names the fields.
func TestInvalidIssue(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	long := strings.Repeat("x", 40000)
	for name, tc := range map[string]struct {
		reason string
		edit   func(*v1alpha1.Issue)
		fields []string
	}{
		"LongTitle":       {"256 characters", func(i *v1alpha1.Issue) { i.Spec.Title = long }, []string{"spec.title"}},
		"LongDescription": {"32 KiB", func(i *v1alpha1.Issue) { i.Spec.Description = long }, []string{"spec.description"}},
		"LongNames": {"253 bytes", func(i *v1alpha1.Issue) {
			i.Spec.Application, i.Spec.Component, i.Spec.GroupKey, i.Spec.Origin, i.Spec.Key = long, long, long, long, long
		}, []string{"spec.application", "spec.component", "spec.groupKey", "spec.key", "spec.origin"}},
		"NoTitle":  {"required", func(i *v1alpha1.Issue) { i.Spec.Title = "" }, []string{"spec.title"}},
		"NoScope":  {"required", func(i *v1alpha1.Issue) { i.Spec.Scope = v1alpha1.IssueScope{} }, []string{"spec.scope.kind", "spec.scope.name"}},
		"Severity": {"an unknown value", func(i *v1alpha1.Issue) { i.Spec.Severity = "urgent" }, []string{"spec.severity"}},
		"Stage":    {"an unknown value", func(i *v1alpha1.Issue) { i.Spec.Stage = "Deploy" }, []string{"spec.stage"}},
		"Type":     {"a DNS label", func(i *v1alpha1.Issue) { i.Spec.Type = "Build It" }, []string{"spec.type"}},
		"Kind":     {"CamelCase without version", func(i *v1alpha1.Issue) { i.Spec.Scope.Kind = "v1.Pod" }, []string{"spec.scope.kind"}},
		"URL": {"http or https", func(i *v1alpha1.Issue) {
			i.Spec.Links = []v1alpha1.IssueLink{{Title: "x", URL: "javascript:x", Kind: "Log"}}
		}, []string{"spec.links[0].url"}},
		"TooManyLinks":  {"32", func(i *v1alpha1.Issue) { i.Spec.Links = make([]v1alpha1.IssueLink, 33); fillLinks(i.Spec.Links) }, []string{"spec.links"}},
		"NUL":           {"cannot be stored", func(i *v1alpha1.Issue) { i.Spec.Description = "a\x00b" }, []string{"spec.description"}},
		"NULAnnotation": {"cannot be stored", func(i *v1alpha1.Issue) { i.Annotations = map[string]string{"a": "\x00"} }, []string{"metadata.annotations[a]"}},
		"ForeignLabel":  {"kept by the server", func(i *v1alpha1.Issue) { i.Labels = map[string]string{"issues.kite.dev/state": "Resolved"} }, []string{"metadata.labels[issues.kite.dev/state]"}},
		"Several": {"all at once", func(i *v1alpha1.Issue) {
			i.Spec.Title, i.Spec.Severity, i.Spec.Scope.Kind, i.Spec.Cause = "", "urgent", "pod", "not a reason"
		}, []string{"spec.cause", "spec.scope.kind", "spec.severity", "spec.title"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issue := newIssue("bad-" + strings.ToLower(name))
			tc.edit(issue)
			_, err := client.Create(t.Context(), issue, metav1.CreateOptions{})
			require.True(t, apierrors.IsInvalid(err), "%s: %v", tc.reason, err)
			require.Equal(t, tc.fields, fieldsOf(t, err), tc.reason)
			require.Equal(t, "Issue", statusOf(t, err).Details.Kind)
			_, err = client.Get(t.Context(), issue.Name, metav1.GetOptions{})
			require.True(t, apierrors.IsNotFound(err), "nothing is half-written")
		})
	}
}

func fillLinks(links []v1alpha1.IssueLink) {
	for i := range links {
		links[i] = v1alpha1.IssueLink{Title: "log", URL: "https://example.com/log", Kind: v1alpha1.LinkLog}
	}
}

// TestTimeThatCannotBeReadAgain: its year has four digits where it is, and five in UTC.
func TestTimeThatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	_, err := client.Create(t.Context(), newIssue("due"), metav1.CreateOptions{})
	require.NoError(t, err)
	patch := []byte(`{"spec":{"dueDate":"9999-12-31T23:59:59-01:00"}}`)
	_, err = client.Patch(t.Context(), "due", types.MergePatchType, patch, metav1.PatchOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"spec.dueDate"}, fieldsOf(t, err))
	_, err = client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
}

func TestImmutableIdentity(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	created, err := client.Create(t.Context(), newIssue("frontend"), metav1.CreateOptions{})
	require.NoError(t, err)
	created.Spec.Type, created.Spec.Key, created.Spec.Stage = "test", "42", v1alpha1.StagePush
	created.Spec.Scope.Name, created.Spec.Scope.Kind = "other", "Other"
	_, err = client.Update(t.Context(), created, metav1.UpdateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"spec.key", "spec.scope.kind", "spec.scope.name", "spec.stage", "spec.type"}, fieldsOf(t, err))
}

func TestInvalidReport(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1()
	for name, tc := range map[string]struct {
		reason string
		edit   reportEdit
		fields []string
	}{
		"Ahead": {"5 minutes at most", func(s *v1alpha1.IssueReportSpec) {
			s.ObservedAt = &metav1.MicroTime{Time: time.Now().Add(6 * time.Minute)}
		}, []string{"spec.observedAt"}},
		"NoTime":  {"required", func(s *v1alpha1.IssueReportSpec) { s.ObservedAt = nil }, []string{"spec.observedAt"}},
		"Outcome": {"an unknown value", func(s *v1alpha1.IssueReportSpec) { s.Outcome = "Cancelled" }, []string{"spec.outcome"}},
		"NoTitle": {"a failure needs one", func(s *v1alpha1.IssueReportSpec) { s.Issue.Title = "" }, []string{"spec.issue.title"}},
		"NUL":     {"cannot be stored", func(s *v1alpha1.IssueReportSpec) { s.LogExcerpt = "a\x00b" }, []string{"spec.logExcerpt"}},
		"LongLog": {"64 KiB", func(s *v1alpha1.IssueReportSpec) { s.LogExcerpt = strings.Repeat("x", 65537) }, []string{"spec.logExcerpt"}},
		"RunURL":  {"http or https", func(s *v1alpha1.IssueReportSpec) { s.Run = &v1alpha1.IssueRun{Name: "r", URL: "ftp://x/y"} }, []string{"spec.run.url"}},
		"AllKeys": {"for recoveries", func(s *v1alpha1.IssueReportSpec) { s.AllKeys = true }, []string{"spec.allKeys"}},
		"AllAtOnce": {"every error", func(s *v1alpha1.IssueReportSpec) {
			s.Issue.Severity, s.Issue.Scope.Name, s.Reason = "bad", "", "no reason"
		}, []string{"spec.issue.scope.name", "spec.issue.severity", "spec.reason"}},
		"LongRunName": {"253 bytes", func(s *v1alpha1.IssueReportSpec) {
			withRun(1)(s)
			s.Run.UID = "u"
			s.Run.Name = strings.Repeat("n", 254)
		}, []string{"spec.run.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.IssueReports(namespace).Create(t.Context(), failed(1, tc.edit), metav1.CreateOptions{})
			require.True(t, apierrors.IsInvalid(err), "%s: %v", tc.reason, err)
			require.Equal(t, tc.fields, fieldsOf(t, err), tc.reason)
			list, err := client.Issues(namespace).List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			require.Empty(t, list.Items, "nothing is half-written")
		})
	}
}

func TestTooLargeBody(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	issue := newIssue("large")
	issue.Spec.Description = strings.Repeat("x", 4<<20)
	code, body, _ := Do(t.Context(), t, cfg, http.MethodPost, issuesPath, mustJSON(t, issue))
	require.Equal(t, http.StatusRequestEntityTooLarge, code, "%s", body)
	require.Contains(t, string(body), `"reason":"RequestEntityTooLarge"`)
}

func TestStaleResourceVersion(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	stale := getIssue(t, cfg, report(t, cfg, failed(1)).Issues[0].Name)
	report(t, cfg, failed(2))
	_, err := client.Update(t.Context(), stale, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.Equal(t, stale.Name, statusOf(t, err).Details.Name)
	_, err = client.UpdateStatus(t.Context(), stale, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
}
