// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuemonitor"
)

var specPath = field.NewPath("spec")

func TestCompile(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueMonitorSpec)
		want   []string // of each error a prefix of its field, and a part of its message
	}{
		"Plain": {reason: "the example of the documentation is valid", edit: func(*issues.IssueMonitorSpec) {}},
		"Every": {reason: "every field may hold an expression", edit: everyField},
		"Syntax": {
			reason: "an error points at its line and column",
			edit:   func(s *issues.IssueMonitorSpec) { s.Failing = "object.status ==\n  )" },
			want:   []string{"spec.failing: line 2, column 3: Syntax error"},
		},
		"Unknown": {
			reason: "what is no variable is found before there is an object",
			edit:   func(s *issues.IssueMonitorSpec) { s.Ignore = `object.metadata.name == x` },
			want:   []string{"spec.ignore: line 1, column 25: undeclared reference to 'x'"},
		},
		"OwnerField": {
			reason: "the owner has a schema",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.Key = `owner.namespace` },
			want:   []string{"spec.issue.key: line 1, column 6: undefined field 'namespace'"},
		},
		"NotBoolean": {
			reason: "a condition is true or false",
			edit:   func(s *issues.IssueMonitorSpec) { s.Recovered = `"Ready"` },
			want:   []string{"spec.recovered: line 1, column 1: must give bool, but gives string"},
		},
		"NotString": {
			reason: "a title is text",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.Title = `1 + 1` },
			want:   []string{"spec.issue.title: line 1, column 1: must give string, but gives int"},
		},
		"Severity": {
			reason: "a severity that is always wrong is found at once",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.SeverityExpression = `"fatal"` },
			want:   []string{`spec.issue.severityExpression: line 1, column 1: must give critical, major, minor, info or an empty string, but gives "fatal"`},
		},
		"Stage": {
			reason: "a stage that is always wrong is found at once",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.Stage = `"push"` },
			want:   []string{"spec.issue.stage: line 1, column 1: must give PullRequest"},
		},
		"Cause": {
			reason: "a cause is one word",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.Cause = `"it broke"` },
			want:   []string{"spec.issue.cause: line 1, column 1: must give a reason"},
		},
		"DueDate": {
			reason: "a date that is always wrong is found at once",
			edit:   func(s *issues.IssueMonitorSpec) { s.Issue.DueDate = `"tomorrow"` },
			want:   []string{"spec.issue.dueDate: line 1, column 1: must give a time"},
		},
		"TwoLoops": {
			reason: "two lists of an object may be compared",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Failing = `object.spec.a.exists(x, object.status.b.exists(y, x.name == y.name))`
			},
		},
		"ThreeLoops": {
			reason: "cost is refused before there is an object",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Failing = `object.a.exists(x, object.b.exists(y, object.c.exists(z, x == y && y == z)))`
			},
			want: []string{"spec.failing: line 1, column 1: may cost"},
		},
		"Pattern": {
			reason: "a regular expression that cannot be compiled is found at once",
			edit:   func(s *issues.IssueMonitorSpec) { s.Failing = `object.metadata.name.matches("(")` },
			want:   []string{"spec.failing: line 1, column 30: invalid matches argument"},
		},
		"All": {
			reason: "every error is told at once, with the place in lists",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Failing = "x || y"
				s.Issue.Scope = &issues.ScopeTemplate{Kind: "z", Name: "owner.name"}
				s.Issue.Links = []issues.LinkTemplate{{Title: `"a"`, URL: `"b"`}, {Title: `"a"`, URL: "1"}}
				s.Issue.Migration = &issues.MigrationTemplate{To: "true"}
			},
			want: []string{
				"spec.failing: line 1, column 1: undeclared reference to 'x'",
				"spec.failing: line 1, column 6: undeclared reference to 'y'",
				"spec.issue.scope.kind: line 1, column 1: undeclared",
				"spec.issue.links[1].url: line 1, column 1: must give string",
				"spec.issue.migration.to: line 1, column 1: must give string",
			},
		},
		"TooLong": {
			reason: "markers refuse what is too long; it is not worth compiling",
			edit:   func(s *issues.IssueMonitorSpec) { s.Failing = strings.Repeat("(", 4097) },
		},
		"Deep": {
			reason: "nesting is bounded",
			edit: func(s *issues.IssueMonitorSpec) {
				s.Failing = strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000)
			},
			want: []string{"spec.failing: "},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, errs := issuemonitor.Compile(newSpec(tc.edit), specPath)
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

// everyField holds an expression in every field that may.
func everyField(s *issues.IssueMonitorSpec) {
	s.Ignore = `has(object.metadata.deletionTimestamp)`
	s.Recovered = `object.status.conditions.exists(c, c.type == "Ready" && c.status == "True")`
	s.Issue = issues.IssueTemplate{
		Type: issues.TypeRuntime, Severity: issues.SeverityMajor,
		SeverityExpression: `object.spec.replicas > 2 ? "critical" : ""`,
		Scope:              &issues.ScopeTemplate{APIGroup: `owner.apiGroup`, Kind: `owner.kind`, Name: `owner.name`, UID: `owner.uid`},
		Title:              `"Not ready: " + object.status.conditions[0].message`,
		Description:        `object.status.conditions[0].message`,
		Key:                `"NotReady"`,
		Stage:              `"Release"`,
		Application:        `"shop"`,
		Component:          `object.metadata.name`,
		GroupKey:           `"expired"`,
		Origin:             `"human"`,
		Cause:              `"OrderFailed"`,
		Links: []issues.LinkTemplate{
			{Title: `"Log"`, URL: `"https://logs.example.com/" + object.metadata.name`, Kind: issues.LinkLog, Description: `"newest"`},
			{Title: `"None"`, URL: `""`, Kind: issues.LinkOther},
		},
		DueDate:      `"2026-03-01T12:00:00Z"`,
		Migration:    &issues.MigrationTemplate{From: `"v1"`, To: `"v2"`, Description: `"edit"`, URL: `"https://example.com"`},
		ExpiresAfter: week(),
	}
}
