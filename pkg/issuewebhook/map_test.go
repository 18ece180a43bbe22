// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/issuewebhook"
)

func at(t time.Time) *metav1.MicroTime { return &metav1.MicroTime{Time: t} }

// TestMap: a delivery tells of all its items, in order.
func TestMap(t *testing.T) {
	t.Parallel()
	got, err := mapped(t, compiled(t, everyField), `{"delivery": "d1", "attempt": 2, "app": "shop", "checks": [
		{"name": "unit", "state": "failed", "at": "2026-03-01T11:00:00.25Z", "run": "unit-7", "id": 123456789012, "url": "https://ci.example.com/7", "log": "boom"},
		{"name": "lint", "state": "running"},
		{"name": "e2e", "state": "passed", "at": "", "run": "e2e-7", "id": 8, "url": "", "reason": "PullRequestClosed"}]}`,
		"X-Event", "checks")
	require.NoError(t, err)
	require.Equal(t, issuewebhook.Mapping{Items: 3, Reports: []issuewebhook.Report{
		{Item: 0, Spec: issues.IssueReportSpec{
			Outcome: issues.OutcomeFailed, ObservedAt: at(time.Date(2026, time.March, 1, 11, 0, 0, 250e6, time.UTC)),
			Run:        &issues.IssueRun{Kind: "Job", Name: "unit-7", UID: "123456789012-2", URL: "https://ci.example.com/7"},
			LogExcerpt: "boom",
			Issue: issues.ReportedIssue{
				Title: "unit failed", Type: issues.TypeTest, Severity: issues.SeverityMajor, Application: "shop",
				Scope: issues.IssueScope{Kind: "Suite", Name: "unit"},
			},
		}},
		{Item: 2, Spec: issues.IssueReportSpec{
			Outcome: issues.OutcomeSucceeded, ObservedAt: at(testTime), Reason: "PullRequestClosed",
			Run:   &issues.IssueRun{Kind: "Job", Name: "e2e-7", UID: "8-2"},
			Issue: issues.ReportedIssue{Type: issues.TypeTest, Scope: issues.IssueScope{Kind: "Suite", Name: "e2e"}},
		}},
	}}, got)
}

func TestMapItems(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		edit    func(*issues.IssueWebhookSpec)
		body    string
		headers []string
		items   int
		reports []int
		fails   string   // the delivery
		errors  []string // items
	}{
		"Body": {reason: "without items the body is the item", body: `{"name": "a", "state": "failed"}`, items: 1, reports: []int{0}},
		"List": {
			reason: "a body may be a list", edit: func(s *issues.IssueWebhookSpec) { s.Items = "body" },
			body: `[{"name": "a", "state": "failed"}, {"name": "b", "state": "passed"}]`, items: 2, reports: []int{0, 1},
		},
		"Ignored": {
			reason: "what is ignored has no items", body: `{}`, headers: []string{"X-Github-Event", "ping"},
			edit: func(s *issues.IssueWebhookSpec) {
				s.Items, s.Ignore = "body.checks", `headers["x-github-event"] == "ping"`
			},
		},
		"Neither": {reason: "what neither fails nor succeeds changes nothing", body: `{"name": "a", "state": "queued"}`, items: 1},
		"Empty":   {reason: "there may be nothing to tell", edit: several, body: `{"checks": []}`},
		"Both": {
			reason: "a failure is asked for first", edit: func(s *issues.IssueWebhookSpec) { s.Succeeded = "true" },
			body: `{"name": "a", "state": "failed"}`, items: 1, reports: []int{0},
		},
		"OneBad": {
			reason: "the others do not suffer from it, and it is named", edit: several,
			body:  `{"checks": [{"name": "a", "state": "failed"}, {"state": "failed"}, {"name": 1, "state": "failed"}, {"name": "b", "state": "passed"}]}`,
			items: 4, reports: []int{0, 3},
			errors: []string{"item 1: spec.issue.scope.name: no such key: name", "item 2: spec.issue.scope.name: gave int, not a string"},
		},
		"NoItems":   {reason: "an expression without items is the delivery's", edit: several, body: `{}`, fails: "spec.items: no such key: checks"},
		"NotJSON":   {reason: "a form is no JSON", body: `payload=%7B%7D`, fails: "the body is no JSON"},
		"TwoBodies": {reason: "a body is one value", body: `{} {}`, fails: "the body is no JSON"},
		"NoBody":    {reason: "nothing is no JSON", fails: "the body is no JSON"},
		"Null":      {reason: "null has no fields", body: `null`, items: 1, errors: []string{"item 0: spec.failed: no such key: state"}},
		"TooLarge":  {reason: "a body is bounded", body: strings.Repeat(" ", issuewebhook.MaxBody+1), fails: "more than 262144 bytes"},
		"TooMany":   {reason: "items are bounded", edit: several, body: checks(101), fails: "spec.items: gave more than 100 items"},
		"AsManyAs":  {reason: "a hundred are not too many", edit: several, body: checks(100), items: 100, reports: count(100)},
		"AbsentHeader": {
			reason: "a header that was not sent is an error, unless it is asked for", body: `{"name": "a", "state": "failed"}`,
			edit:  func(s *issues.IssueWebhookSpec) { s.Ignore = `headers["x-event"] == "ping"` },
			fails: "spec.ignore: no such key: x-event",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits := []func(*issues.IssueWebhookSpec){}
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			got, err := mapped(t, compiled(t, edits...), tc.body, tc.headers...)
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails, tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			require.Equal(t, tc.items, got.Items, tc.reason)
			var reports []int
			for _, report := range got.Reports {
				reports = append(reports, report.Item)
			}
			require.Equal(t, tc.reports, reports, tc.reason)
			var errs []string
			for _, err := range got.Errors {
				require.ErrorAs(t, err, new(*expression.Error), tc.reason)
				errs = append(errs, err.Error())
			}
			require.Equal(t, tc.errors, errs, tc.reason)
		})
	}
}

// checks are n that failed.
func checks(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"name": "check-%d", "state": "failed"}`, i)
	}
	return `{"checks": [` + strings.Join(all, ",") + `]}`
}

func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestMapBudget: items pay together, and those that the rest is not enough for say so.
func TestMapBudget(t *testing.T) {
	t.Parallel()
	got, err := mapped(t, compiled(t, several, func(s *issues.IssueWebhookSpec) {
		s.Failed = `body.checks.all(x, body.checks.all(y, x.state == y.state))`
	}), checks(100))
	require.NoError(t, err)
	require.NotEmpty(t, got.Reports)
	require.NotEmpty(t, got.Errors)
	require.Equal(t, 100, len(got.Reports)+len(got.Errors))
	for i, err := range got.Errors {
		require.ErrorIs(t, err, expression.ErrBudget)
		require.Equal(t, len(got.Reports)+i, err.Item)
	}
}

// TestObservation: what makes an observation distinct is its run, its key, or its time.
func TestObservation(t *testing.T) {
	t.Parallel()
	run := func(name, uid string) func(*issues.IssueWebhookSpec) {
		return func(s *issues.IssueWebhookSpec) { s.Run = &issues.RunTemplate{Name: name, UID: uid} }
	}
	github := func(s *issues.IssueWebhookSpec) {
		s.Authentication = issues.WebhookAuthentication{Github: &issues.WebhookSecret{}}
	}
	delivery := func(key string) *issues.IssueRun {
		return &issues.IssueRun{Kind: "Delivery", Name: key, UID: "d1"}
	}
	cases := map[string]struct {
		reason  string
		edits   []func(*issues.IssueWebhookSpec)
		headers []string
		want    *issues.IssueRun
	}{
		"Nothing":   {reason: "the time alone"},
		"Header":    {reason: "a sender's own key", headers: []string{"Idempotency-Key", "d1"}, want: delivery("d1")},
		"Github":    {reason: "GitHub has a header of its own", edits: []func(*issues.IssueWebhookSpec){github}, headers: []string{"X-GitHub-Delivery", "d1", "Idempotency-Key", "d2"}, want: delivery("d1")},
		"NotGithub": {reason: "which others do not", headers: []string{"X-GitHub-Delivery", "d1"}},
		"Expression": {
			reason: "an expression before a header", headers: []string{"Idempotency-Key", "d2"},
			edits: []func(*issues.IssueWebhookSpec){func(s *issues.IssueWebhookSpec) { s.IdempotencyKey = `"d1"` }}, want: delivery("d1"),
		},
		"NoKey": {
			reason: "an expression that gives none means none", headers: []string{"Idempotency-Key", "d2"},
			edits: []func(*issues.IssueWebhookSpec){func(s *issues.IssueWebhookSpec) { s.IdempotencyKey = `""` }},
		},
		"Run": {
			reason: "a run with a UID before all keys", headers: []string{"Idempotency-Key", "d1"},
			edits: []func(*issues.IssueWebhookSpec){run(`"r"`, `"u"`)}, want: &issues.IssueRun{Name: "r", UID: "u"},
		},
		"RunWithoutUID": {
			reason: "a key makes up for it", headers: []string{"Idempotency-Key", "d1"},
			edits: []func(*issues.IssueWebhookSpec){run(`"r"`, "")}, want: &issues.IssueRun{Name: "r", UID: "d1"},
		},
		"RunWithoutName": {
			reason: "a run has a name", headers: []string{"Idempotency-Key", "d1"},
			edits: []func(*issues.IssueWebhookSpec){run(`""`, "")}, want: delivery("d1"),
		},
		"Long": {
			reason: "what is too long for a UID is told apart by its hash", headers: []string{"Idempotency-Key", strings.Repeat("k", 129)},
			want: &issues.IssueRun{
				Kind: "Delivery", Name: "9094034fb2d0ce2e407c9b260f2806ab2efb352e200722fd6296d9cf1cf7e6f5",
				UID: "9094034fb2d0ce2e407c9b260f2806ab2efb352e200722fd6296d9cf1cf7e6f5",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mapped(t, compiled(t, tc.edits...), `{"name": "a", "state": "failed"}`, tc.headers...)
			require.NoError(t, err, tc.reason)
			require.Empty(t, got.Errors, tc.reason)
			require.Equal(t, tc.want, got.Reports[0].Spec.Run, tc.reason)
		})
	}
}

// TestHiddenHeaders: no expression can show in an issue what makes a sender trusted.
func TestHiddenHeaders(t *testing.T) {
	t.Parallel()
	webhook := compiled(t, func(s *issues.IssueWebhookSpec) {
		s.Authentication = issues.WebhookAuthentication{HMAC: &issues.WebhookHMAC{Header: "X-Proof"}}
		s.Issue.Title = `headers.map(h, h + "=" + headers[h]).join(" ")`
	})
	got, err := mapped(t, webhook, `{"name": "a", "state": "failed"}`,
		"X-Proof", "s", "Authorization", "s", "Proxy-Authorization", "s", "Cookie", "s", "X-Gitlab-Token", "s",
		"X-Hub-Signature", "s", "X-Hub-Signature-256", "s", "X-Api-Key", "s", "X-Client-Secret", "s", "Webhook-Signature", "s",
		"X-Event", "a", "X-Event", "b")
	require.NoError(t, err)
	require.Empty(t, got.Errors)
	require.Equal(t, "x-event=a, b", got.Reports[0].Spec.Issue.Title)

	got, err = mapped(t, webhook, `{"name": "a", "state": "failed"}`, "Idempotency-Key", "k")
	require.NoError(t, err)
	require.Equal(t, "idempotency-key=k", got.Reports[0].Spec.Issue.Title)
}

// TestOwnNamespace: nothing in a delivery chooses where a report goes, or whose the scope is.
func TestOwnNamespace(t *testing.T) {
	t.Parallel()
	got, err := mapped(t, compiled(t, everyField), `{"delivery": "d", "attempt": 1, "app": "shop", "namespace": "kite-system", "checks": [
		{"name": "a", "namespace": "kite-system", "state": "failed", "at": "", "run": "r", "id": 1, "url": "", "log": ""}]}`, "X-Event", "e")
	require.NoError(t, err)
	spec := got.Reports[0].Spec
	require.Empty(t, spec.Issue.Scope.Namespace)
	require.Empty(t, spec.Run.Namespace)
	require.Empty(t, spec.Issue.RelatedIssues)
}

// TestTexts: a payload cannot make a report that is refused whatever is done.
func TestTexts(t *testing.T) {
	t.Parallel()
	webhook := compiled(t, func(s *issues.IssueWebhookSpec) { s.Issue.Description, s.LogExcerpt = `item.text`, `item.text` })
	got, err := mapped(t, webhook, `{"name": "a\u0000b", "state": "failed", "text": "`+strings.Repeat("é", 40000)+`!"}`)
	require.NoError(t, err)
	require.Empty(t, got.Errors)
	spec := got.Reports[0].Spec
	require.Equal(t, "ab failed", spec.Issue.Title)
	require.Equal(t, "ab", spec.Issue.Scope.Name)
	require.Equal(t, strings.Repeat("é", 32767)+"!", spec.LogExcerpt)
	require.Equal(t, strings.Repeat("é", 16384), spec.Issue.Description)
}

// TestMapStops: who is gone gets no answer, and expressions are not blamed.
func TestMapStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := compiled(t).Map(ctx, nil, []byte(`{"name": "a", "state": "failed"}`), testTime)
	require.ErrorIs(t, err, context.Canceled)
}
