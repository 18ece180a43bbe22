// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuewebhook"
)

var (
	specPath = field.NewPath("spec")
	testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
)

// newSpec takes a check of each item, of which there may be several.
func newSpec(edit ...func(*issues.IssueWebhookSpec)) *issues.IssueWebhookSpec {
	out := &issues.IssueWebhookSpec{
		Authentication: issues.WebhookAuthentication{Gitlab: &issues.WebhookSecret{}},
		Failed:         `item.state == "failed"`,
		Succeeded:      `item.state == "passed"`,
		Issue: issues.IssueTemplate{
			Type: issues.TypeTest, Severity: issues.SeverityMajor, Title: `item.name + " failed"`,
			Scope: &issues.ScopeTemplate{Kind: `"Suite"`, Name: `item.name`},
		},
	}
	for _, f := range edit {
		f(out)
	}
	return out
}

// several tells of body.checks.
func several(s *issues.IssueWebhookSpec) { s.Items = `body.checks` }

func compiled(t testing.TB, edit ...func(*issues.IssueWebhookSpec)) *issuewebhook.Webhook {
	t.Helper()
	webhook, errs := issuewebhook.Compile(newSpec(edit...), specPath)
	require.Empty(t, errs)
	return webhook
}

// mapped is what a delivery tells of.
func mapped(t testing.TB, webhook *issuewebhook.Webhook, body string, headers ...string) (issuewebhook.Mapping, error) {
	t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return webhook.Map(t.Context(), header, []byte(body), testTime)
}
