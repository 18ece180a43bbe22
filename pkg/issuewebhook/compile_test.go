// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuewebhook"
)

func TestCompile(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueWebhookSpec)
		want   []string // of each error its field, and a part of its message
	}{
		"Plain": {reason: "most fields may be absent", edit: func(*issues.IssueWebhookSpec) {}},
		"Every": {reason: "every field may hold an expression", edit: everyField},
		"Syntax": {
			reason: "an error points at its line and column",
			edit:   func(s *issues.IssueWebhookSpec) { s.Failed = "body.a ==\n  )" },
			want:   []string{"spec.failed: line 2, column 3: Syntax error"},
		},
		"Headers": {
			reason: "headers are text",
			edit:   func(s *issues.IssueWebhookSpec) { s.Ignore = `headers["x-event"] == 1` },
			want:   []string{"spec.ignore: line 1, column 20: found no matching overload"},
		},
		"NoList": {
			reason: "items are a list",
			edit:   func(s *issues.IssueWebhookSpec) { s.Items = `headers` },
			want:   []string{"spec.items: line 1, column 1: must give list, but gives map(string, string)"},
		},
		"Reason": {
			reason: "a reason is one word",
			edit:   func(s *issues.IssueWebhookSpec) { s.Reason = `"it broke"` },
			want:   []string{"spec.reason: line 1, column 1: must give a reason"},
		},
		"ObservedAt": {
			reason: "a time has one form",
			edit:   func(s *issues.IssueWebhookSpec) { s.ObservedAt = `"2026-03-01 12:00:00 UTC"` },
			want:   []string{"spec.observedAt: line 1, column 1: must give a time"},
		},
		"ThreeLoops": {
			reason: "cost is refused before there is a delivery",
			edit: func(s *issues.IssueWebhookSpec) {
				s.Items = `body.a.filter(x, body.b.exists(y, body.c.exists(z, x == y && y == z)))`
			},
			want: []string{"spec.items: line 1, column 1: may cost"},
		},
		"All": {
			reason: "every error is told at once, those of the delivery first",
			edit: func(s *issues.IssueWebhookSpec) {
				s.Failed, s.Items, s.Ignore = "x", "y", "item"
				s.Run = &issues.RunTemplate{Kind: "1", Name: "2", UID: "3", URL: "4"}
				s.LogExcerpt, s.IdempotencyKey = "5", "6"
				s.Issue.Title = "7"
			},
			want: []string{
				"spec.ignore: line 1, column 1: undeclared reference to 'item'",
				"spec.items: line 1, column 1: undeclared reference to 'y'",
				"spec.failed: line 1, column 1: undeclared reference to 'x'",
				"spec.idempotencyKey: line 1, column 1: must give string",
				"spec.logExcerpt: line 1, column 1: must give string",
				"spec.issue.title: line 1, column 1: must give string",
				"spec.run.kind: line 1, column 1: must give string",
				"spec.run.name: line 1, column 1: must give string",
				"spec.run.uid: line 1, column 1: must give string",
				"spec.run.url: line 1, column 1: must give string",
			},
		},
		"TooLong": {
			reason: "markers refuse what is too long; it is not worth compiling",
			edit:   func(s *issues.IssueWebhookSpec) { s.Items = strings.Repeat("(", 4097) },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := issuewebhook.Compile(newSpec(tc.edit), specPath)
			require.Len(t, errs, len(tc.want), "%s: %v", tc.reason, errs)
			for i, err := range errs {
				where, what, _ := strings.Cut(tc.want[i], ": ")
				require.Equal(t, where, err.Field, tc.reason)
				require.Contains(t, err.Detail, what, tc.reason)
				require.Equal(t, field.ErrorTypeInvalid, err.Type, tc.reason)
			}
		})
	}
}

// everyField holds an expression in every field that is not the issue's.
func everyField(s *issues.IssueWebhookSpec) {
	several(s)
	s.Ignore = `headers["x-event"] == "ping"`
	s.ObservedAt = `item.at`
	s.IdempotencyKey = `body.delivery`
	s.Reason = `item.?reason.orValue("")`
	s.Run = &issues.RunTemplate{Kind: `"Job"`, Name: `item.run`, UID: `string(item.id) + "-" + string(body.attempt)`, URL: `item.url`}
	s.LogExcerpt = `item.log`
	s.Issue.Application = `body.app`
}
