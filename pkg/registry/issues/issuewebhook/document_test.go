// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	expressions "kite.dev/kite/pkg/issuewebhook"
)

const document = "../../../../docs/user/webhooks.md"

var (
	example = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	refusal = regexp.MustCompile(`(?m)^\* (\S+): Invalid value: (".*"): (line \d+, column \d+: .*)$`)
)

// documented are the webhooks of the documentation by their names: all of them are valid.
func documented(t *testing.T) map[string]*issues.IssueWebhook {
	t.Helper()
	out := map[string]*issues.IssueWebhook{}
	for _, found := range example.FindAllStringSubmatch(read(t, document), -1) {
		webhook := decoded(t, found[1])
		require.Empty(t, testStrategy().Validate(t.Context(), webhook))
		out[webhook.Name] = webhook
	}
	return out
}

func week() *metav1.Duration { return &metav1.Duration{Duration: 168 * time.Hour} }

func at(hour, minute, second int) *metav1.MicroTime {
	return &metav1.MicroTime{Time: time.Date(2026, time.March, 1, hour, minute, second, 0, time.UTC)}
}

// TestDocumentedWebhooks make of deliveries what the documentation says. The deliveries have
// the fields that GitHub and GitLab document.
func TestDocumentedWebhooks(t *testing.T) {
	t.Parallel()
	webhooks := documented(t)
	green := strings.NewReplacer(`"conclusion": "failure"`, `"conclusion": "success"`)
	pushedGreen := strings.NewReplacer(
		`"conclusion": "failure"`, `"conclusion": "success"`,
		`"event": "pull_request"`, `"event": "push"`, `"head_branch": "fix-rounding"`, `"head_branch": "main"`,
		`[{"id": 1, "number": 42, "url": "https://api.github.com/repos/acme/checkout/pulls/42"}]`, `[]`)
	component := func(name string) issues.IssueScope {
		return issues.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: name}
	}
	repository := issues.IssueScope{APIGroup: "github.com", Kind: "Repository", Name: "acme.checkout"}
	workflowRun := &issues.IssueRun{
		Kind: "WorkflowRun", Name: "Build-562", UID: "30433642-2", URL: "https://github.com/acme/checkout/actions/runs/30433642",
	}
	cases := map[string]struct {
		reason   string
		webhook  string
		delivery string
		event    string
		edit     *strings.Replacer
		want     []issues.IssueReportSpec
	}{
		"Workflow": {
			reason: "a failed workflow of a pull request", webhook: "github-workflows", delivery: "github-workflow_run", event: "workflow_run",
			want: []issues.IssueReportSpec{{
				Outcome: issues.OutcomeFailed, ObservedAt: at(10, 5, 12), Run: workflowRun,
				Issue: issues.ReportedIssue{
					Type: "build", Severity: issues.SeverityMajor, Title: "Workflow Build failed on fix-rounding",
					Scope: repository, Stage: issues.StagePullRequest, Key: "Build/42", ExpiresAfter: week(),
					Links: []issues.IssueLink{{Title: "Log", URL: workflowRun.URL, Kind: issues.LinkLog}},
				},
			}},
		},
		"WorkflowPassed": {
			reason: "has the identity of the failure", webhook: "github-workflows", delivery: "github-workflow_run", event: "workflow_run", edit: green,
			want: []issues.IssueReportSpec{{
				Outcome: issues.OutcomeSucceeded, ObservedAt: at(10, 5, 12), Run: workflowRun,
				Issue: issues.ReportedIssue{Type: "build", Scope: repository, Stage: issues.StagePullRequest, Key: "Build/42"},
			}},
		},
		"WorkflowCancelled": {
			reason: "is no failure", webhook: "github-workflows", delivery: "github-workflow_run", event: "workflow_run",
			edit: strings.NewReplacer(`"conclusion": "failure"`, `"conclusion": "cancelled"`),
		},
		"WorkflowRuns": {
			reason: "what has not completed says nothing", webhook: "github-workflows", delivery: "github-workflow_run", event: "workflow_run",
			edit: strings.NewReplacer(`"action": "completed"`, `"action": "in_progress"`),
		},
		"WorkflowOfMain": {
			reason: "the default branch is what is meant without a name", webhook: "github-workflows", delivery: "github-workflow_run", event: "workflow_run",
			edit: pushedGreen,
			want: []issues.IssueReportSpec{{
				Outcome: issues.OutcomeSucceeded, ObservedAt: at(10, 5, 12), Run: workflowRun,
				Issue: issues.ReportedIssue{Type: "build", Scope: repository, Stage: issues.StagePush, Key: "Build"},
			}},
		},
		"Ping":  {reason: "GitHub's first delivery", webhook: "github-workflows", delivery: "github-ping", event: "ping"},
		"Other": {reason: "an event of another webhook", webhook: "github-workflows", delivery: "github-pull_request", event: "pull_request"},
		"Pipeline": {
			reason: "a failed pipeline of the default branch", webhook: "gitlab-pipelines", delivery: "gitlab-pipeline",
			want: []issues.IssueReportSpec{{
				Outcome: issues.OutcomeFailed, ObservedAt: at(10, 26, 29),
				Run: &issues.IssueRun{
					Kind: "Pipeline", Name: "31", UID: "31-2026-03-01 10:26:29 UTC", URL: "https://gitlab.example.com/acme/checkout/-/pipelines/31",
				},
				Issue: issues.ReportedIssue{
					Type: "build", Severity: issues.SeverityMajor, Title: "Pipeline of checkout failed on main", Description: "Failed jobs: test/unit",
					Scope: issues.IssueScope{APIGroup: "gitlab.com", Kind: "Project", Name: "acme.checkout"}, Stage: issues.StagePush, ExpiresAfter: week(),
				},
			}},
		},
		"PipelineOfMergeRequest": {
			reason: "a merge request has its number for a key", webhook: "gitlab-pipelines", delivery: "gitlab-pipeline",
			edit: strings.NewReplacer(
				`"source": "push", "status": "failed"`, `"source": "merge_request_event", "status": "success"`,
				`"merge_request": null`, `"merge_request": {"iid": 7}`),
			want: []issues.IssueReportSpec{{
				Outcome: issues.OutcomeSucceeded, ObservedAt: at(10, 26, 29),
				Run: &issues.IssueRun{
					Kind: "Pipeline", Name: "31", UID: "31-2026-03-01 10:26:29 UTC", URL: "https://gitlab.example.com/acme/checkout/-/pipelines/31",
				},
				Issue: issues.ReportedIssue{
					Type: "build", Scope: issues.IssueScope{APIGroup: "gitlab.com", Kind: "Project", Name: "acme.checkout"},
					Stage: issues.StagePullRequest, Key: "7",
				},
			}},
		},
		"PipelineRuns": {
			reason: "what has not finished says nothing", webhook: "gitlab-pipelines", delivery: "gitlab-pipeline",
			edit: strings.NewReplacer(`"status": "failed"`, `"status": "running"`, `"finished_at": "2026-03-01 10:26:29 UTC"`, `"finished_at": null`),
		},
		"Closed": {
			reason: "each component has an issue of its own", webhook: "closed-pull-requests", delivery: "github-pull_request", event: "pull_request",
			want: []issues.IssueReportSpec{
				{
					Outcome: issues.OutcomeSucceeded, ObservedAt: at(11, 0, 0), Reason: issues.ReasonPullRequestClosed, Run: delivered("d1"),
					Issue: issues.ReportedIssue{Type: "build", Scope: component("checkout"), Stage: issues.StagePullRequest, Key: "42"},
				},
				{
					Outcome: issues.OutcomeSucceeded, ObservedAt: at(11, 0, 0), Reason: issues.ReasonPullRequestClosed, Run: delivered("d1"),
					Issue: issues.ReportedIssue{Type: "build", Scope: component("checkout-api"), Stage: issues.StagePullRequest, Key: "42"},
				},
			},
		},
		"Merged": {
			reason: "each component's update is over", webhook: "merged-updates", delivery: "gitlab-merge_request",
			want: []issues.IssueReportSpec{
				{
					Outcome: issues.OutcomeSucceeded, ObservedAt: at(11, 0, 0), Reason: "Merged",
					Issue: issues.ReportedIssue{Type: "dependency", Scope: component("checkout")},
				},
				{
					Outcome: issues.OutcomeSucceeded, ObservedAt: at(11, 0, 0), Reason: "Merged",
					Issue: issues.ReportedIssue{Type: "dependency", Scope: component("checkout-api")},
				},
			},
		},
		"MergedByPeople": {
			reason: "another change says nothing about updates", webhook: "merged-updates", delivery: "gitlab-merge_request",
			edit: strings.NewReplacer("konflux/mintmaker/", "fix/"),
		},
		"Opened": {
			reason: "what is merely proposed is not merged", webhook: "merged-updates", delivery: "gitlab-merge_request",
			edit: strings.NewReplacer(`"action": "merge"`, `"action": "open"`),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook, errs := expressions.Compile(&webhooks[tc.webhook].Spec, field.NewPath("spec"))
			require.Empty(t, errs)
			body := read(t, "testdata/"+tc.delivery+".json")
			if tc.edit != nil {
				changed := tc.edit.Replace(body)
				require.NotEqual(t, body, changed)
				body = changed
			}
			header := http.Header{}
			if tc.event != "" {
				header.Set("X-Github-Event", tc.event)
				header.Set("X-Github-Delivery", "d1")
			}
			got, err := webhook.Map(t.Context(), header, []byte(body), testTime)
			require.NoError(t, err, tc.reason)
			require.Empty(t, got.Errors, tc.reason)
			var reports []issues.IssueReportSpec
			for _, report := range got.Reports {
				reports = append(reports, report.Spec)
			}
			for i := range reports {
				requireValid(t, &reports[i])
			}
			require.Equal(t, tc.want, reports, tc.reason)
		})
	}
}

// requireValid asks what the API asks of a report.
func requireValid(t *testing.T, spec *issues.IssueReportSpec) {
	t.Helper()
	report, sent := &issues.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma"}, Spec: *spec}, &v1alpha1.IssueReport{}
	require.NoError(t, v1alpha1.Convert_issues_IssueReport_To_v1alpha1_IssueReport(report, sent, nil))
	errs := v1alpha1.Validate_IssueReport(t.Context(), operation.Operation{Type: operation.Create}, nil, sent, nil)
	require.Empty(t, append(errs, validation.ValidateIssueReport(report, spec.ObservedAt.Time)...))
}

func delivered(key string) *issues.IssueRun {
	return &issues.IssueRun{Kind: expressions.KindDelivery, Name: key, UID: "d1"}
}

// TestDocumentedRefusals are what the server says.
func TestDocumentedRefusals(t *testing.T) {
	t.Parallel()
	shown := refusal.FindAllStringSubmatch(read(t, document), -1)
	require.Len(t, shown, 2)
	for _, refused := range shown {
		text, err := strconv.Unquote(refused[2])
		require.NoError(t, err)
		webhook := newWebhook(func(w *issues.IssueWebhook) {
			switch refused[1] {
			case "spec.ignore":
				w.Spec.Ignore = text
			case "spec.issue.key":
				w.Spec.Issue.Key = text
			}
		})
		errs := testStrategy().Validate(t.Context(), webhook)
		require.NotEmpty(t, errs, refused[0])
		require.Equal(t, refused[1], errs[0].Field)
		require.Equal(t, refused[3], errs[0].Detail)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// decoded is the object as the server has it: nothing unknown, with its defaults.
func decoded(t *testing.T, text string) *issues.IssueWebhook {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(issues.SchemeGroupVersion)
	obj, err := runtime.Decode(decoder, []byte(strings.TrimSpace(text)))
	require.NoError(t, err)
	webhook, ok := obj.(*issues.IssueWebhook)
	require.True(t, ok)
	return webhook
}
