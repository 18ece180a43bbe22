// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/test/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestPlans shows how PostgreSQL counts one namespace, and all, among many issues.
func TestPlans(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	conn := pgtest.ConnectPlanner(t, cfg.DSN, cfg.Schema)
	pgtest.FillIssues(t, conn)
	w := newWindow(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	one := []namespace{{"team-0007", "uid-of-team-0007"}}
	var all []namespace
	for n := range pgtest.PlanNamespaces {
		name := fmt.Sprintf("team-%04d", n)
		all = append(all, namespace{name, "uid-of-" + name})
	}
	for name, c := range map[string]struct {
		reason string
		sql    string
		args   []any
	}{
		"summary":    {"issues by their keys, history by its index", summarySQL, arguments(one, w)},
		"summaries":  {"all Active issues by their index", summarySQL, arguments(all, w)},
		"namespaces": {"a range of folders", namespacesSQL, []any{issue.KeyPrefix, "", 501}},
		"active":     {"all Active issues by their index", activeSQL, nil},
	} {
		plan := "-- " + c.reason + "\n" + pgtest.Plan(t, conn, c.sql, c.args...)
		pgtest.RequireGolden(t, filepath.Join("testdata", "plans", name+".txt"), plan, *update)
	}
}
