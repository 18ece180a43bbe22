// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/issuewebhook"
)

// FuzzMap: whatever is sent is refused as a whole, or each of its items is reported, left
// out, or has an error that names the expression.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "{}", checks(3), `{"checks": [1, null, {}, []]}`, `{"checks": {"a": 1}}`, "\xff", `"\ud800"`,
		`{"checks": [{"name": "a\u0000", "state": "failed", "at": "2026-03-01T12:00:00Z", "id": 1e400}]}`,
		`{"checks": [{"name": "a", "state": "failed", "at": "x", "id": 9223372036854775808, "run": "r"}]}`,
	} {
		f.Add([]byte(seed), "checks")
	}
	webhook := compiled(f, everyField)
	f.Fuzz(func(t *testing.T, body []byte, event string) {
		got, err := webhook.Map(t.Context(), http.Header{"X-Event": {event}}, body, testTime)
		if err != nil {
			require.Empty(t, got)
			return
		}
		require.LessOrEqual(t, len(got.Reports)+len(got.Errors), got.Items)
		require.LessOrEqual(t, got.Items, issuewebhook.MaxItems)
		for _, report := range got.Reports {
			require.NotNil(t, report.Spec.ObservedAt)
			require.Empty(t, report.Spec.Issue.Scope.Namespace)
		}
		for _, err := range got.Errors {
			require.ErrorAs(t, err, new(*expression.Error))
		}
	})
}

// FuzzCompile: whatever an author writes is refused with its field, or evaluated.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"body.checks", "[body]", "headers.map(h, headers[h])", "body.map(k, body[k])", "[1, dyn('a')].filter(x, x == 1)", "item", "x", "[[]]", "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, items string) {
		webhook, errs := issuewebhook.Compile(newSpec(func(s *issues.IssueWebhookSpec) { s.Items = items }), specPath)
		for _, err := range errs {
			require.Equal(t, "spec.items", err.Field)
			require.Regexp(t, `^line \d+, column \d+: .`, err.Detail)
		}
		if len(errs) > 0 {
			return
		}
		_, err := mapped(t, webhook, checks(2), "X-Event", "checks")
		if err != nil {
			require.ErrorAs(t, err, new(*expression.Error))
		}
	})
}

// TestWebhookIsShared by all requests.
func TestWebhookIsShared(t *testing.T) {
	t.Parallel()
	webhook := compiled(t, several)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				got, err := mapped(t, webhook, checks(5), "X-Event", "checks")
				if err != nil || len(got.Reports) != 5 {
					t.Errorf("got %d reports, %v", len(got.Reports), err)
				}
			}
		})
	}
	all.Wait()
}
