// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// scaleNow is the time of the generated issues.
var scaleNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// generateSQL fills $1 issues of which a tenth are Active into namespaces of 1,000, and as
// many episodes of the last 13 months.
var generateSQL = []string{
	`INSERT INTO issues (key, name, namespace, type, severity, stage, problem_key, application, component, group_key, origin,
		scope_kind, scope_name, scope_namespace, state, run_names, run_uids, search_text, opened_at, reopened)
	SELECT '/issues.kite.dev/issues/team-' || lpad((n % ($1::int / 1000))::text, 4, '0') || '/issue-' || n, 'issue-' || n,
		'team-' || lpad((n % ($1::int / 1000))::text, 4, '0'),
		(ARRAY['build','test','release','dependency','pipeline'])[1 + n * 13 / 1000 % 5], (ARRAY['critical','major','minor','info'])[1 + n * 7 / 1000 % 4],
		'Push', '', 'app-' || n * 3 / 1000 % 10, 'component-' || n * 11 / 1000 % 50, '', '', 'Component', 'component-' || n / 1000 % 50, '',
		CASE WHEN n % 10000 < 1000 THEN 'Active' ELSE 'Resolved' END, '{}', '{}', 'build of component ' || n || ' fails',
		'2026-11-23Z'::timestamptz - interval '1 minute' * (n % 40000), CASE WHEN n % 97 = 0 THEN 1 + n / 1000 % 7 ELSE 0 END
	FROM generate_series(0, $1::int - 1) n`,
	`INSERT INTO issue_episodes (uid, episode, opened_at, resolved_at, namespace_uid, namespace, name, type, severity,
		application, component, group_key, cause, reason)
	SELECT 'uid-' || n, 0, at - interval '1 second' * (60 + n::bigint * 7919 % 90000), at, 'uid-' || lpad((n % ($1::int / 1000))::text, 4, '0'),
		'team-' || lpad((n % ($1::int / 1000))::text, 4, '0'), 'issue-' || n, 'build', 'major', 'app', 'component', '', '', 'Succeeded'
	FROM (
		SELECT n, '2026-11-23Z'::timestamptz - interval '1 second' * (n::bigint * 34000000 / $1::int) AS at
		FROM generate_series(0, $1::int - 1) n
	) x ORDER BY at`,
}

func generate(t testing.TB, conn *pgx.Conn, n int) []namespace {
	t.Helper()
	for _, sql := range generateSQL {
		_, err := conn.Exec(t.Context(), sql, n)
		require.NoError(t, err)
	}
	for _, table := range []string{"issues", "issue_episodes"} {
		_, err := conn.Exec(t.Context(), "VACUUM ANALYZE "+table)
		require.NoError(t, err)
	}
	var out []namespace
	for i := range n / 1000 {
		out = append(out, namespace{fmt.Sprintf("team-%04d", i), fmt.Sprintf("uid-%04d", i)})
	}
	return out
}

// TestSummaryReadsItsNamespaceOnly: among many others, one namespace is found by indexes.
func TestSummaryReadsItsNamespaceOnly(t *testing.T) {
	t.Parallel()
	_, conn := openWorld(t)
	one := generate(t, conn, 50_000)[7:8]
	args := arguments(one, newWindow(scaleNow))
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS OFF) "+summarySQL, args...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	plan := strings.Join(lines, "\n")
	for _, seq := range []string{"Seq Scan on issues", "Seq Scan on issue_episodes"} {
		require.NotContains(t, plan, seq, plan)
	}
	require.Contains(t, plan, "issue_episodes_namespace_resolved", plan)
}

// BenchmarkSummary counts KITE_BENCH_ISSUES issues (1,000,000), of which a tenth are Active.
func BenchmarkSummary(b *testing.B) {
	n := 1_000_000
	if text := os.Getenv("KITE_BENCH_ISSUES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	engine, conn := openWorld(b)
	all := generate(b, conn, n)
	for name, namespaces := range map[string][]namespace{"of=one": all[7:8], "of=all": all} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				found, err := count(b.Context(), engine, namespaces, newWindow(scaleNow))
				require.NoError(b, err)
				require.Len(b, found, len(namespaces))
			}
		})
	}
}
