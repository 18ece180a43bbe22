// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuemonitor"
)

func compiled(t *testing.T, edit ...func(*issues.IssueMonitorSpec)) *issuemonitor.Monitor {
	t.Helper()
	monitor, errs := issuemonitor.Compile(newSpec(edit...), specPath)
	require.Empty(t, errs)
	return monitor
}

func TestJudge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueMonitorSpec)
		input  func(map[string]any)
		want   issuemonitor.Verdict
		fails  string
	}{
		"Failing":   {reason: "the condition is False", want: issuemonitor.Failing},
		"Recovered": {reason: "what does not fail has recovered", input: ready, want: issuemonitor.Recovered},
		"Ignored": {
			reason: "ignore is asked first",
			edit:   func(s *issues.IssueMonitorSpec) { s.Ignore = `object.metadata.name == "shop"` },
			want:   issuemonitor.Ignored,
		},
		"Undecided": {
			reason: "an object without status neither fails nor has recovered",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Recovered = `object.?status.?conditions.orValue([]).exists(c, c.type == "Ready" && c.status == "True")`
			},
			input: func(content map[string]any) { delete(content, "status") },
			want:  issuemonitor.Undecided,
		},
		"RecoveredByExpression": {
			reason: "recovered is asked of what does not fail",
			edit:   func(s *issues.IssueMonitorSpec) { s.Recovered = `object.spec.share < 1` },
			input:  ready,
			want:   issuemonitor.Recovered,
		},
		"Missing": {
			reason: "an error leaves it open, and names the expression",
			edit:   func(s *issues.IssueMonitorSpec) { s.Failing = `object.status.phase == "Failed"` },
			fails:  "spec.failing: no such key: phase",
		},
		"NotBoolean": {
			reason: "an object without schema may give anything",
			edit:   func(s *issues.IssueMonitorSpec) { s.Failing = `object.spec.replicas` },
			fails:  "spec.failing: gave int, not a boolean",
		},
		"Expensive": {
			reason: "an object can be larger than what was estimated",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Failing = `object.texts.exists(x, x.indexOf(object.word) >= 0)`
			},
			input: longTexts(20),
			fails: "cost limit exceeded",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits, inputs := []func(*issues.IssueMonitorSpec){}, []func(map[string]any){}
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			if tc.input != nil {
				inputs = append(inputs, tc.input)
			}
			got, err := compiled(t, edits...).Judge(t.Context(), newInput(inputs...))
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails, tc.reason)
				require.ErrorAs(t, err, new(*issuemonitor.Error), tc.reason)
				require.Empty(t, got, tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
}

// TestJudgeStops: a controller that stops does not wait for an expression.
func TestJudgeStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	monitor := compiled(t, func(s *issues.IssueMonitorSpec) { s.Failing = `object.many.exists(x, x == 0.5)` })
	_, err := monitor.Judge(ctx, newInput(func(content map[string]any) {
		content["many"] = make([]any, 1000)
		for i := range 1000 {
			content["many"].([]any)[i] = int64(i)
		}
	}))
	require.ErrorContains(t, err, "interrupted")
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	got, err := compiled(t, everyField).Describe(t.Context(), newInput())
	require.NoError(t, err)
	due := metav1.NewTime(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	require.Equal(t, issues.ReportedIssue{
		Title: "Not ready: order failed", Description: "order\nfailed",
		Type: issues.TypeRuntime, Severity: issues.SeverityCritical,
		Scope: issues.IssueScope{APIGroup: "networking.k8s.io", Kind: "Ingress", Namespace: "team-gamma", Name: "web", UID: "i1"},
		Key:   "NotReady", Stage: issues.StageRelease, Application: "shop", Component: "shop",
		GroupKey: "expired", Origin: "human", Cause: "OrderFailed",
		Links:        []issues.IssueLink{{Title: "Log", URL: "https://logs.example.com/shop", Kind: issues.LinkLog, Description: "newest"}},
		DueDate:      &due,
		Migration:    &issues.IssueMigration{From: "v1", To: "v2", Description: "edit", URL: "https://example.com"},
		ExpiresAfter: week(),
	}, got)
}

// TestDescribeDefaults: without a scope the object itself has the problem.
func TestDescribeDefaults(t *testing.T) {
	t.Parallel()
	got, err := compiled(t).Describe(t.Context(), newInput())
	require.NoError(t, err)
	require.Equal(t, issues.ReportedIssue{
		Title: "Certificate shop is not ready", Type: issues.TypeRuntime, Severity: issues.SeverityMajor,
		Scope: issues.IssueScope{APIGroup: "cert-manager.io", Kind: "Certificate", Namespace: "team-gamma", Name: "shop", UID: "c1"},
	}, got)
}

// TestIdentify: what an object lacks when it is well is not asked for.
func TestIdentify(t *testing.T) {
	t.Parallel()
	monitor := compiled(t, func(s *issues.IssueMonitorSpec) {
		everyField(s)
		s.Issue.Title = `object.status.conditions[0].message`
	})
	failed, err := monitor.Describe(t.Context(), newInput())
	require.NoError(t, err)
	well, err := monitor.Identify(t.Context(), newInput(ready))
	require.NoError(t, err)
	require.Equal(t, issues.ReportedIssue{Type: failed.Type, Scope: failed.Scope, Key: failed.Key, Stage: failed.Stage}, well)

	_, err = monitor.Describe(t.Context(), newInput(ready))
	require.ErrorContains(t, err, "spec.issue.title: no such key: message")
}

func TestDescribeRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueMonitorSpec)
		want   string
	}{
		"Severity": {
			reason: "what depends on the object is checked with the object",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.SeverityExpression = `object.metadata.name` },
			want:   `spec.issue.severityExpression: must give critical, major, minor, info or an empty string, but gives "shop"`,
		},
		"Number": {
			reason: "a number is no text",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.Key = `object.spec.replicas` },
			want:   "spec.issue.key: gave int, not a string",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compiled(t, tc.edit).Describe(t.Context(), newInput())
			require.EqualError(t, err, tc.want, tc.reason)
		})
	}
}

// longTexts are n in which it takes little time, for what it costs, to search a word.
func longTexts(n int) func(map[string]any) {
	return func(content map[string]any) {
		content["texts"], content["word"] = slices.Repeat([]any{strings.Repeat("a", 64<<10)}, n), strings.Repeat("b", 1000)
	}
}

// TestDescribeStops: expressions that are cheap enough one by one are not all together.
func TestDescribeStops(t *testing.T) {
	t.Parallel()
	const costly = `object.texts.exists(x, x.indexOf(object.word) >= 0) ? "a" : "b"`
	monitor := compiled(t, func(s *issues.IssueMonitorSpec) {
		s.Issue.Title, s.Issue.Description, s.Issue.Key, s.Issue.Application = costly, costly, costly, costly
		s.Issue.Component, s.Issue.GroupKey, s.Issue.Origin = costly, costly, costly
		s.Issue.Links = []issues.LinkTemplate{{Title: costly, URL: costly, Description: costly}}
	})
	input := newInput(longTexts(7))
	_, err := monitor.Identify(t.Context(), input)
	require.NoError(t, err)
	_, err = monitor.Describe(t.Context(), input)
	require.ErrorContains(t, err, "the expressions cost too much together")
	require.NotContains(t, err.Error(), "took more than")
}

// TestDescribeCuts: what an issue cannot hold is cut at whole characters.
func TestDescribeCuts(t *testing.T) {
	t.Parallel()
	monitor := compiled(t, func(s *issues.IssueMonitorSpec) {
		s.Issue.Title, s.Issue.Description = `object.text`, `object.text`
	})
	got, err := monitor.Describe(t.Context(), newInput(func(content map[string]any) {
		content["text"] = "a" + strings.Repeat("é", 20000)
	}))
	require.NoError(t, err)
	require.Equal(t, "a"+strings.Repeat("é", 254)+"…", got.Title)
	require.True(t, utf8.ValidString(got.Description))
	require.Len(t, got.Description, 32767)
}
