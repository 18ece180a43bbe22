// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

const reportingGuide = "../../docs/operator/database.md"

// documentedQueries are the questions of the guide, by their first words.
func documentedQueries(t *testing.T) []string {
	t.Helper()
	guide, err := os.ReadFile(reportingGuide)
	require.NoError(t, err)
	var queries []string
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		if strings.HasPrefix(block[1], "SELECT") {
			queries = append(queries, block[1])
		}
	}
	require.Len(t, queries, 5)
	return queries
}

// TestReporting asks the questions of the guide about a few issues.
func TestReporting(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	cfg := StartServer(t, WithPostgres(pg))
	inGroup := func(spec *v1alpha1.IssueReportSpec) {
		spec.Issue.GroupKey, spec.Issue.Cause = "CVE-2025-1234", "TokenExpired"
	}
	report(t, cfg, failed(1, withRun(1), inGroup))
	report(t, cfg, succeeded(11, withRun(2)))
	report(t, cfg, failed(20, withRun(3), inGroup))
	report(t, cfg, succeeded(30, withRun(4)))
	active := newIssue("active")
	active.Spec.GroupKey, active.Spec.Cause = "CVE-2025-1234", "RegistryAuthFailed"
	_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Create(t.Context(), active, metav1.CreateOptions{})
	require.NoError(t, err)

	conn := connect(t, pg)
	for i, want := range [][]map[string]any{
		nil, // depends on the day
		{{"type": "build", "severity": "major", "resolved": int64(2)}},
		{{"namespace": namespace, "name": derivedNames()[0], "times": int32(2)}},
		{
			{"cause": "RegistryAuthFailed", "active": int64(1), "total": int64(1)},
			{"cause": "TokenExpired", "active": int64(0), "total": int64(2)},
		},
		{{"namespace": namespace, "active": int64(1), "serious": int64(1)}},
	} {
		query := documentedQueries(t)[i]
		rows, err := conn.Query(t.Context(), query)
		require.NoError(t, err, query)
		have, err := pgx.CollectRows(rows, pgx.RowToMap)
		require.NoError(t, err, query)
		require.NotEmpty(t, have, query)
		for r := range want {
			require.Len(t, have, len(want), query)
			for column, value := range want[r] {
				require.Equal(t, value, have[r][column], "%s of:\n%s", column, query)
			}
		}
	}
}

// TestReportingColumns: what the guide says of a view is what it has.
func TestReportingColumns(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(reportingGuide)
	require.NoError(t, err)
	conn := connect(t, pgtest.Config(t))
	for _, view := range []string{"kite_issues_active", "kite_issue_history"} {
		_, table, found := strings.Cut(string(guide), "`"+view+"` has a row")
		require.True(t, found)
		_, table, _ = strings.Cut(table, "|---|---|\n")
		table, _, _ = strings.Cut(table, "\n\n")
		var documented []string
		for line := range strings.Lines(table) {
			cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
			for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
				documented = append(documented, m[1])
			}
		}
		rows, err := conn.Query(t.Context(), "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 AND table_schema = current_schema()", view)
		require.NoError(t, err)
		have, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.ElementsMatch(t, have, documented, view)
	}
}
