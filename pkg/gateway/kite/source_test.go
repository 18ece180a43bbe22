// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway/gatewaytest"
)

func pipeline(name, key string) issuesv1alpha1.ReportedIssue {
	return issuesv1alpha1.ReportedIssue{
		Type: issuesv1alpha1.TypePipeline, Key: key,
		Scope: issuesv1alpha1.IssueScope{APIGroup: "tekton.dev", Kind: "Pipeline", Name: name},
	}
}

func application(name string) issuesv1alpha1.ReportedIssue {
	return issuesv1alpha1.ReportedIssue{
		Type: issuesv1alpha1.TypeRelease, Stage: issuesv1alpha1.StageRelease, Application: name,
		Scope: issuesv1alpha1.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Application", Name: name},
	}
}

func logLink(url string) []issuesv1alpha1.IssueLink {
	return []issuesv1alpha1.IssueLink{{Title: "Pipeline Run Logs", URL: url, Kind: issuesv1alpha1.LinkLog}}
}

func described(issue issuesv1alpha1.ReportedIssue, severity issuesv1alpha1.IssueSeverity, title, description string) issuesv1alpha1.ReportedIssue {
	issue.Title, issue.Description, issue.Severity = title, description, severity
	return issue
}

// TestReports: what each payload says.
func TestReports(t *testing.T) {
	t.Parallel()
	failed := func(issue issuesv1alpha1.ReportedIssue, run *issuesv1alpha1.IssueRun) issuesv1alpha1.IssueReportSpec {
		return issuesv1alpha1.IssueReportSpec{Outcome: issuesv1alpha1.OutcomeFailed, Issue: issue, Run: run}
	}
	succeeded := func(issue issuesv1alpha1.ReportedIssue, run *issuesv1alpha1.IssueRun) issuesv1alpha1.IssueReportSpec {
		return issuesv1alpha1.IssueReportSpec{Outcome: issuesv1alpha1.OutcomeSucceeded, Issue: issue, Run: run}
	}
	xyz := described(pipeline("pipeline-xyz", ""), "major", "Pipeline run failed: pipeline-xyz", "The pipeline run pipeline-xyz failed with reason: task run timed out")
	linked := xyz
	linked.Links = logLink("https://console.example/team-gamma/pipeline-xyz-123")
	given := xyz
	given.Severity, given.Links = "critical", logLink("https://logs.example/1")
	unlinked := xyz
	unlinked.Description += ". Logs: logs.example/1"
	medium := xyz
	medium.Severity = "minor"
	update := described(pipeline("github.com-org-repo@main", "error/github.com/org/repo@main"), "major",
		"Mintmaker error(2): github.com/org/repo@main", "one\n--------------------------------\ntwo")
	update.Type, update.Origin, update.ExpiresAfter = "dependency", "mintmaker", &metav1.Duration{Duration: 48 * time.Hour}
	update.Links = []issuesv1alpha1.IssueLink{
		{Title: "Mintmaker docs", URL: "https://konflux-ci.dev/docs/mintmaker/user/", Kind: issuesv1alpha1.LinkDocumentation},
		{Title: "Renovate docs", URL: "https://docs.renovatebot.com/configuration-options/", Kind: issuesv1alpha1.LinkDocumentation},
	}
	warning, news := update, update
	warning.Title, warning.Description, warning.Severity = "Mintmaker warning(1): p", "one", "minor"
	warning.Scope.Name, warning.Key = "p", "warning"
	news.Title, news.Description, news.Severity = "Mintmaker other(1): p", "one", "info"
	news.Scope.Name, news.Key = "p", "other"
	release := described(application("fancy-app"), "major", "Release release-to-prod-123 failed for application fancy-app",
		"The release failed in phase: ManagedProcessing. Link to logs: https://logs.example/1")
	release.Links = []issuesv1alpha1.IssueLink{{Title: "Release pipeline run", URL: "https://logs.example/1", Kind: issuesv1alpha1.LinkRun}}
	bare := release
	bare.Links, bare.Description = nil, "The release failed in phase: ManagedProcessing. Link to logs: logs.com/managed-123"
	delivery := &issuesv1alpha1.IssueRun{Kind: "Delivery", Name: "delivery-1", UID: "delivery-1"}

	cases := map[string]struct {
		reason  string
		webhook string
		body    string
		key     string
		want    issuesv1alpha1.IssueReportSpec
	}{
		"Failure": {
			reason: "KITE's templates, and a link that leads somewhere", webhook: "pipeline-failure",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","runId":"pipeline-xyz-123"}`,
			want: failed(linked, &issuesv1alpha1.IssueRun{Kind: "PipelineRun", Name: "pipeline-xyz-123", UID: "pipeline-xyz-123"}),
		},
		"FailureLogs": {
			reason: "severity and address as given", webhook: "pipeline-failure",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","severity":"critical","logsUrl":"https://logs.example/1"}`,
			want: failed(given, nil),
		},
		"FailureNoAddress": {
			reason: "what no browser can open is text", webhook: "pipeline-failure",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","logsUrl":"logs.example/1"}`,
			want: failed(unlinked, nil),
		},
		"FailureUnknownRun": {
			reason: "unknown is no run: two of them are two", webhook: "pipeline-failure",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","runId":"unknown"}`,
			want: failed(xyz, nil),
		},
		"FailureMedium": {
			reason: "what KITE's operator says", webhook: "pipeline-failure",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","severity":"medium"}`,
			want: failed(medium, nil),
		},
		"FailureKey": {
			reason: "the sender names the observation", webhook: "pipeline-failure", key: "delivery-1",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out"}`,
			want: failed(xyz, delivery),
		},
		"FailureRunAndKey": {
			reason: "the run is the observation", webhook: "pipeline-failure", key: "delivery-1",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma","failureReason":"task run timed out","runId":"pipeline-xyz-123"}`,
			want: failed(linked, &issuesv1alpha1.IssueRun{Kind: "PipelineRun", Name: "pipeline-xyz-123", UID: "pipeline-xyz-123"}),
		},
		"Success": {
			reason: "the same problem", webhook: "pipeline-success",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma"}`,
			want: succeeded(pipeline("pipeline-xyz", ""), nil),
		},
		"SuccessOfAPath": {
			reason: "names that no resource can have are told apart", webhook: "pipeline-success",
			body: `{"pipelineName":"github.com/org/repo@main","namespace":"team-gamma"}`,
			want: succeeded(pipeline("github.com-org-repo@main", "github.com/org/repo@main"), nil),
		},
		"SuccessKey": {
			reason: "the sender names the observation", webhook: "pipeline-success", key: "delivery-1",
			body: `{"pipelineName":"pipeline-xyz","namespace":"team-gamma"}`,
			want: succeeded(pipeline("pipeline-xyz", ""), delivery),
		},
		"Mintmaker": {
			reason: "each kind of message is an issue, which expires", webhook: "mintmaker-custom",
			body: `{"pipelineId":"github.com/org/repo@main","namespace":"team-gamma","type":"error","logs":["one","two"]}`,
			want: failed(update, nil),
		},
		"MintmakerWarning": {
			reason: "less bad", webhook: "mintmaker-custom", key: "delivery-1",
			body: `{"pipelineId":"p","namespace":"team-gamma","type":"warning","logs":["one"]}`,
			want: failed(warning, delivery),
		},
		"MintmakerOther": {
			reason: "the type is free", webhook: "mintmaker-custom",
			body: `{"pipelineId":"p","namespace":"team-gamma","type":"other","logs":["one"]}`,
			want: failed(news, nil),
		},
		"Release": {
			reason: "a release is a run of its application", webhook: "release-failure",
			body: `{"application":"fancy-app","namespace":"team-gamma","failurePhase":"ManagedProcessing","release":"release-to-prod-123","pipelineRunUrl":"https://logs.example/1"}`,
			want: failed(release, &issuesv1alpha1.IssueRun{
				Kind: "Release", Name: "release-to-prod-123", URL: "https://logs.example/1",
				UID: "597eebea5f6465af13ed8ad8237010a7c8eac13f85129bd11ab4ad0f7c9b183d",
			}),
		},
		"ReleaseBare": {
			reason: "an address without scheme", webhook: "release-failure", key: "delivery-1",
			body: `{"application":"fancy-app","namespace":"team-gamma","failurePhase":"ManagedProcessing","release":"release-to-prod-123","pipelineRunUrl":"logs.com/managed-123"}`,
			want: failed(bare, &issuesv1alpha1.IssueRun{Kind: "Release", Name: "release-to-prod-123", UID: "delivery-1"}),
		},
		"ReleaseSuccess": {
			reason: "the same problem", webhook: "release-success",
			body: `{"application":"fancy-app","namespace":"team-gamma"}`,
			want: succeeded(application("fancy-app"), nil),
		},
		"ReleaseSuccessKey": {
			reason: "the sender names the observation", webhook: "release-success", key: "delivery-1",
			body: `{"application":"fancy-app","namespace":"team-gamma"}`,
			want: succeeded(application("fancy-app"), delivery),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			code, answer := s.post(t, tc.webhook+"?namespace=team-gamma", tc.body, func(r *http.Request) {
				r.Header.Set("Idempotency-Key", tc.key)
			})
			require.Less(t, code, 300, "%s: %v", tc.reason, answer)
			sent := s.report(t)
			require.Equal(t, "team-gamma", sent.Namespace)
			observed := metav1.NewMicroTime(testTime)
			tc.want.ObservedAt = &observed
			require.Empty(t, cmp.Diff(tc.want, sent.Spec), tc.reason)
		})
	}
}

// TestRulesFindCauses in what KITE's clients send.
func TestRulesFindCauses(t *testing.T) {
	t.Parallel()
	s := newServer()
	code, _ := s.post(t, "mintmaker-custom", `{"pipelineId":"p","namespace":"team-gamma","type":"error","logs":["rawExec err","Bad credentials"]}`)
	require.Equal(t, http.StatusCreated, code)
	issue := s.report(t).Spec.Issue
	require.Equal(t, "TokenExpired", issue.Cause)
	require.Equal(t, "Mintmaker error(2): p", issue.Title)
	require.Len(t, issue.Links, 3, "with the one that helps")
}

func TestObservedAtIsKept(t *testing.T) {
	t.Parallel()
	s := newServer()
	code, _ := s.post(t, "pipeline-success/", `{"pipelineName":"p","namespace":"team-gamma","observedAt":"2026-03-01T10:00:00.5+01:00"}`)
	require.Equal(t, http.StatusOK, code)
	require.True(t, s.report(t).Spec.ObservedAt.Time.Equal(testTime.Add(-3*time.Hour+500*time.Millisecond)))
}

// TestRefusals name every field, in the words that clients of KITE know.
func TestRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxName+1)
	cases := map[string]struct {
		reason  string
		webhook string
		body    string
		summary string
		fields  []string
	}{
		"Nothing":     {"everything that is missing", "pipeline-failure", `{}`, "Missing required fields", []string{"pipelineName", "failureReason", "namespace"}},
		"Blank":       {"blank is missing", "pipeline-success", `{"pipelineName":" ","namespace":"team-gamma"}`, "Missing required fields", []string{"pipelineName"}},
		"NoBody":      {"no JSON", "pipeline-success", "", "Invalid request body", nil},
		"List":        {"no object", "pipeline-success", "[]", "Invalid request body", nil},
		"Type":        {"a number is no name", "pipeline-success", `{"pipelineName":7,"namespace":"team-gamma"}`, "Missing required fields", []string{"pipelineName"}},
		"Severity":    {"severities are four", "pipeline-failure", `{"pipelineName":"p","namespace":"team-gamma","failureReason":"x","severity":"FOO"}`, "Validation failed", []string{"severity"}},
		"Namespace":   {"no path into another namespace", "pipeline-success", `{"pipelineName":"p","namespace":"../kube-system"}`, "Validation failed", []string{"namespace"}},
		"Query":       {"the query is not another namespace's right", "pipeline-success?namespace=mine", `{"pipelineName":"p","namespace":"yours"}`, "Validation failed", []string{"namespace"}},
		"TooLong":     {"names have an end", "pipeline-success", `{"pipelineName":"` + long + `","namespace":"team-gamma"}`, "Validation failed", []string{"pipelineName"}},
		"Zero":        {"PostgreSQL holds no U+0000", "release-success", `{"application":"a\u0000","namespace":"team-gamma"}`, "Validation failed", []string{"application"}},
		"MintType":    {"types and pipelines are told apart", "mintmaker-custom", `{"pipelineId":"p","namespace":"team-gamma","type":"a/b","logs":["x"]}`, "Validation failed", []string{"type"}},
		"MintNoLogs":  {"logs do not hide what else is missing", "mintmaker-custom", `{"namespace":"team-gamma"}`, "Missing required fields", []string{"pipelineId", "type"}},
		"MintLogs":    {"logs are a list", "mintmaker-custom", `{"pipelineId":"p","namespace":"team-gamma","type":"error","logs":"x"}`, "Validation failed", []string{"logs"}},
		"MintKey":     {"both are one key", "mintmaker-custom", `{"pipelineId":"` + long[:250] + `","namespace":"team-gamma","type":"error","logs":["x"]}`, "Validation failed", []string{"pipelineId"}},
		"Release":     {"everything that is missing", "release-failure", `{"release":"` + long + `"}`, "Missing required fields", []string{"application", "failurePhase", "release", "namespace"}},
		"ReleaseGone": {"everything that is missing", "release-success", `{}`, "Missing required fields", []string{"application", "namespace"}},
		"Time":        {"a time is a time", "release-success", `{"application":"a","namespace":"team-gamma","observedAt":"today"}`, "Invalid request body", nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			code, answer := s.post(t, tc.webhook, tc.body)
			require.Equal(t, http.StatusBadRequest, code, tc.reason)
			require.Equal(t, tc.summary, answer["error"], tc.reason)
			require.NotEmpty(t, answer["details"], tc.reason)
			require.ElementsMatch(t, tc.fields, fieldsOf(answer), tc.reason)
			require.Empty(t, s.reports.Reports())
		})
	}

	s := newServer()
	code, _ := s.post(t, "pipeline-failure", `{"pipelineName":"p","namespace":"team-gamma","failureReason":"x"}`, func(r *http.Request) {
		r.Header.Set("Idempotency-Key", "a b")
	})
	require.Equal(t, http.StatusBadRequest, code)
}

// TestNothingAcknowledgedIsLost: an error of the API is one of the answer, for failures
// and for recoveries.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "issuereports"}, "", errors.New("no"))
	for err, want := range map[error]int{
		apierrors.NewServiceUnavailable("database"): http.StatusServiceUnavailable,
		apierrors.NewTooManyRequests("busy", 3):     http.StatusServiceUnavailable,
		forbidden:                                   http.StatusForbidden,
	} {
		for webhook, body := range map[string]string{
			"pipeline-failure": `{"pipelineName":"p","namespace":"team-gamma","failureReason":"x"}`,
			"pipeline-success": `{"pipelineName":"p","namespace":"team-gamma"}`,
			"mintmaker-custom": `{"pipelineId":"p","namespace":"team-gamma","type":"error","logs":["x"]}`,
		} {
			s := newServer()
			s.reports.Err = err
			code, answer := s.post(t, webhook, body)
			require.Equal(t, want, code, "%s: %v", webhook, answer)
			require.NotEmpty(t, answer["error"])
		}
	}
}

func TestRecoveriesAreCounted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		status issuesv1alpha1.IssueReportStatus
		want   string
	}{
		"Resolved":  {"what was really resolved", issuesv1alpha1.IssueReportStatus{Result: issuesv1alpha1.ResultResolved, Issues: make([]issuesv1alpha1.ReportedObject, 1)}, "Resolved 1 issue(s) for pipeline p"},
		"Unchanged": {"nothing to resolve", issuesv1alpha1.IssueReportStatus{Result: issuesv1alpha1.ResultUnchanged, Issues: make([]issuesv1alpha1.ReportedObject, 1)}, "Resolved 0 issue(s) for pipeline p"},
		"Stale":     {"it has failed since", issuesv1alpha1.IssueReportStatus{Result: issuesv1alpha1.ResultStale, Issues: make([]issuesv1alpha1.ReportedObject, 1)}, "Resolved 0 issue(s) for pipeline p"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			s.reports.Status = tc.status
			code, answer := s.post(t, "pipeline-success", `{"pipelineName":"p","namespace":"team-gamma"}`)
			require.Equal(t, http.StatusOK, code)
			require.Equal(t, map[string]any{"status": "success", "message": tc.want}, answer, tc.reason)
		})
	}
}

func TestNoLogsNoIssue(t *testing.T) {
	t.Parallel()
	s := newServer()
	code, answer := s.post(t, "mintmaker-custom", `{"pipelineId":"p","namespace":"team-gamma","type":"error"}`)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, map[string]any{"info": "No logs provided, no issue created"}, answer)
	require.Empty(t, s.reports.Reports())
}

// TestAnswer has every field of KITE's issue, from the issue as it is where the sender may
// read it.
func TestAnswer(t *testing.T) {
	t.Parallel()
	const body = `{"pipelineName":"team/p","namespace":"team-gamma","failureReason":"x","logsUrl":"https://logs.example/1"}`
	s := newServer()
	code, answer := s.post(t, "pipeline-failure", body)
	require.Equal(t, http.StatusCreated, code)
	const now = "2026-03-01T12:00:00Z"
	want := map[string]any{
		"id": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "title": "Pipeline run failed: team/p",
		"description": "The pipeline run team/p failed with reason: x", "severity": "major", "issueType": "pipeline",
		"state": "ACTIVE", "detectedAt": now, "resolvedAt": nil, "namespace": "team-gamma",
		"scope": map[string]any{
			"resourceType": "pipelinerun", "resourceName": "team/p", "resourceNamespace": "team-gamma",
		},
		"links": []any{map[string]any{
			"title": "Pipeline Run Logs", "url": "https://logs.example/1", "issueId": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
		}},
		"relatedFrom": []any{}, "relatedTo": []any{}, "createdAt": now, "updatedAt": now,
	}
	have := answer["issue"].(map[string]any)
	linked := have["links"].([]any)[0].(map[string]any)["id"]
	for _, id := range []any{have["scopeId"], linked} {
		_, err := uuid.Parse(id.(string))
		require.NoError(t, err, "KITE's IDs are UUIDs")
	}
	want["scopeId"] = have["scopeId"]
	want["scope"].(map[string]any)["id"] = have["scopeId"]
	want["links"].([]any)[0].(map[string]any)["id"] = linked
	require.Equal(t, map[string]any{"status": "success", "issue": want}, answer)
	_, again := s.post(t, "pipeline-failure", body)
	require.Equal(t, answer, again, "ids stay")

	first := metav1.NewMicroTime(testTime.Add(-time.Hour))
	s = newServer(&issuesv1alpha1.Issue{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: "issue-1", UID: "stored", CreationTimestamp: metav1.NewTime(first.Time)},
		Spec:       issuesv1alpha1.IssueSpec{Title: "edited by a person", Severity: "critical", Type: "pipeline"},
		Status:     issuesv1alpha1.IssueStatus{State: issuesv1alpha1.StateResolved, FirstSeen: &first, ResolvedAt: &first},
	})
	_, answer = s.post(t, "pipeline-failure", body)
	have = answer["issue"].(map[string]any)
	require.Equal(t, "edited by a person", have["title"])
	require.Equal(t, "RESOLVED", have["state"])
	require.Equal(t, "2026-03-01T11:00:00Z", have["detectedAt"])
	require.Equal(t, "2026-03-01T11:00:00Z", have["resolvedAt"])

	s = newServer()
	s.reports.Status.Result = issuesv1alpha1.ResultStale
	_, answer = s.post(t, "pipeline-failure", body)
	require.Equal(t, "RESOLVED", answer["issue"].(map[string]any)["state"], "it was overtaken by a recovery")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newServer()
	for _, path := range []string{"/api/v1/health", "/api/v1/health/"} {
		code, answer := s.do(t, http.MethodGet, path, "", func(r *http.Request) { r.Header.Del("Authorization") })
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "UP", answer["status"])
		require.NotEmpty(t, answer["message"])
	}
}

func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	require.Len(t, runOf("PipelineRun", strings.Repeat("x", 300), strings.Repeat("x", 300)).Name, 64)
	require.Len(t, string(runOf("PipelineRun", "x", strings.Repeat("x", 300)).UID), 64)
}

// FuzzPayloads: whatever is sent is refused, or becomes a report that the API takes.
func FuzzPayloads(f *testing.F) {
	for _, seed := range []string{
		`{"pipelineName":"p","namespace":"n","failureReason":"x","runId":"r","logsUrl":"https://l"}`,
		`{"pipelineId":"github.com/a/b@main","namespace":"n","type":"error","logs":["a","b"]}`,
		`{"application":"a","namespace":"n","failurePhase":"p","release":"r","pipelineRunUrl":"u","observedAt":"2026-03-01T10:00:00Z"}`,
		`{}`, `[]`, "{", `{"namespace":7}`,
	} {
		f.Add(seed, "key")
	}
	f.Fuzz(func(t *testing.T, body, key string) {
		for _, webhook := range []string{"pipeline-failure", "pipeline-success", "mintmaker-custom", "release-failure", "release-success"} {
			s := newServer()
			code, answer := s.post(t, webhook, body, func(r *http.Request) { r.Header.Set("Idempotency-Key", key) })
			reports := s.reports.Reports()
			if code == http.StatusBadRequest {
				require.Empty(t, reports)
				require.NotEmpty(t, answer["error"])
				continue
			}
			require.Less(t, code, 300, answer)
			gatewaytest.RequireValid(t, reports)
		}
	})
}
