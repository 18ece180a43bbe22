// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"kite.dev/kite/test/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPlanOfTrend shows how PostgreSQL finds the history of one group among many issues.
func TestPlanOfTrend(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	conn := pgtest.ConnectPlanner(t, cfg.DSN, cfg.Schema)
	pgtest.FillIssues(t, conn)
	plan := pgtest.Plan(t, conn, endedSQL, "CVE-2026-20003", time.Date(2026, 8, 26, 0, 0, 0, 0, time.UTC))
	pgtest.RequireGolden(t, filepath.Join("testdata", "plans", "ended.txt"), "-- the group by its index\n"+plan, *update)
}
