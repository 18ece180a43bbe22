// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pgtest

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// plannedVersion is the major version of PostgreSQL that made the golden plans. Others
// draw the same plan differently, or have others.
const plannedVersion = 15

// PlanNamespaces are those of FillIssues, so few that ANALYZE reads every row, which makes
// statistics, and so plans, the same each time. Plans of a thousand namespaces use the same
// indexes.
const PlanNamespaces = 30

//go:embed sql/issues.sql
var issuesSQL string

// plannerSettings are PostgreSQL's defaults, whatever the server's file says.
var plannerSettings = []string{
	"seq_page_cost = 1", "random_page_cost = 4", "cpu_tuple_cost = 0.01", "cpu_index_tuple_cost = 0.005",
	"cpu_operator_cost = 0.0025", "effective_cache_size = '4GB'", "work_mem = '4MB'", "default_statistics_target = 100",
	"max_parallel_workers_per_gather = 2", "parallel_setup_cost = 1000", "parallel_tuple_cost = 0.1", "jit = off",
}

// ConnectPlanner opens a session on a schema, with the planner's defaults.
func ConnectPlanner(t testing.TB, dsn, schema string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if version := conn.PgConn().ParameterStatus("server_version"); !strings.HasPrefix(version, fmt.Sprint(plannedVersion, ".")) {
		t.Skipf("the golden plans are those of PostgreSQL %d, this is %s", plannedVersion, version)
	}
	for _, setting := range append(plannerSettings, "search_path = "+pgx.Identifier{schema}.Sanitize(), "timezone = 'UTC'") {
		_, err := conn.Exec(t.Context(), "SET "+setting)
		require.NoError(t, err)
	}
	return conn
}

// FillIssues fills the tables of a schema as a large organisation does, by SQL.
func FillIssues(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	_, err := conn.Exec(t.Context(), issuesSQL, PlanNamespaces)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return vacuum(t, conn) }, time.Minute, 100*time.Millisecond,
		"VACUUM did not mark all pages as visible to all")
}

// vacuum tells whether it did all its work: other tests' snapshots may be in its way.
func vacuum(t testing.TB, conn *pgx.Conn) (done bool) {
	t.Helper()
	_, err := conn.Exec(t.Context(), "VACUUM ANALYZE objects, events, issues, issue_episodes, claim_counts, meta")
	require.NoError(t, err)
	const sql = `SELECT bool_and(relallvisible = relpages) FROM pg_class
		WHERE oid IN ('objects'::regclass, 'events'::regclass, 'issues'::regclass, 'issue_episodes'::regclass)`
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&done))
	return done
}

// Plans are the plans of a statement: the one for these arguments, and the one for any,
// which a session takes to when it finds that it costs no more.
func Plans(t testing.TB, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	return "-- for these arguments\n" + Plan(t, conn, sql, args...) + "\n-- for any arguments\n" + genericPlan(t, conn, sql)
}

// Plan is the plan of a statement for these arguments.
func Plan(t testing.TB, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	return longArray.ReplaceAllString(explain(t, conn, "EXPLAIN (COSTS OFF) "+sql, args...), "'{...}'")
}

// longArray is one that would hide the plan around it.
var longArray = regexp.MustCompile(`'\{[^}]{60,}\}'`)

// genericPlan is that of a prepared statement.
func genericPlan(t testing.TB, conn *pgx.Conn, sql string) string {
	t.Helper()
	_, err := conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	described, err := conn.Prepare(t.Context(), "planned", sql)
	require.NoError(t, err)
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(described.ParamOIDs)), ", ")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	plan := explain(t, conn, "EXPLAIN (COSTS OFF) EXECUTE planned "+nulls, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, conn.Deallocate(t.Context(), "planned"))
	_, err = conn.Exec(t.Context(), "RESET plan_cache_mode")
	require.NoError(t, err)
	return plan
}

func explain(t testing.TB, conn *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n") + "\n"
}

// RequireGolden compares a text with a file, or writes the file.
func RequireGolden(t testing.TB, path, text string, update bool) {
	t.Helper()
	if update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return
	}
	golden, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(golden), text), "run the test with -update to rewrite %s", path)
}
