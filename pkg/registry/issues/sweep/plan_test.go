// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"kite.dev/kite/test/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPlans shows how PostgreSQL finds the issues whose time has come, and history to
// forget, among many issues.
func TestPlans(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	conn := pgtest.ConnectPlanner(t, cfg.DSN, cfg.Schema)
	pgtest.FillIssues(t, conn)
	through := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		reason string
		sql    string
		args   []any
	}{
		"due-active":   {"none: the end of an index", dueSQL, []any{"Active", through, time.Time{}, "", pageSize}},
		"due-resolved": {"in the order of an index", dueSQL, []any{"Resolved", through, time.Time{}, "", pageSize}},
		"forget":       {"few, in the order of time", forgetSQL, []any{through.AddDate(-1, 0, 0), forgetRows}},
	} {
		plan := "-- " + c.reason + "\n" + pgtest.Plan(t, conn, c.sql, c.args...)
		pgtest.RequireGolden(t, filepath.Join("testdata", "plans", name+".txt"), plan, *update)
	}
}
