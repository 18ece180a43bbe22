// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/fields"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files")

const (
	allIssues = "/issues.kite.dev/issues/"
	oneTeam   = allIssues + "team-0007/"
	// inHistory is a revision of pgtest.FillIssues that is not the newest.
	inHistory = 29_950
)

// TestPlansOfIssues shows every statement that reads issues, as PostgreSQL runs it among
// many of them. A plan that reads more than it has to, because an index is gone or the
// statement no longer fits it, differs from its file.
func TestPlansOfIssues(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	conn := pgtest.ConnectPlanner(t, cfg.DSN, cfg.Schema)
	pgtest.FillIssues(t, conn)
	kind := workload.Issue()
	store, err := postgres.NewStore(pgtest.Open(t, cfg, kind.Projections...), kind.Store)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		reason   string
		prefix   string
		selector string
		rev      int64
	}{
		"list-namespace":              {"a range of keys", oneTeam, "", 0},
		"list-namespace-exact":        {"the range, and its events", oneTeam, "", inHistory},
		"list-namespace-fields":       {"what the range holds is looked at", oneTeam, "status.state=Active,spec.severity=major", 0},
		"list-namespace-fields-exact": {"the same, and its events", oneTeam, "status.state=Active,spec.severity=major", inHistory},
		"list-namespace-component":    {"what the range holds, or few rows by an index", oneTeam, "spec.component=cart-1-0007", 0},
		"list-namespace-search":       {"what the range holds is looked at", oneTeam, "search=code 17", 0},
		"list-namespace-run":          {"what the range holds is looked at", oneTeam, "run.name=run-17", 0},
		"list-all":                    {"a range of keys", allIssues, "", 0},
		"list-all-fields":             {"by an index", allIssues, "status.state=Active,spec.severity=critical", 0},
		"list-all-component":          {"by an index", allIssues, "spec.component=cart-1-0007", 0},
		"list-all-scope":              {"by an index", allIssues, "spec.scope.kind=Component,spec.scope.name=cart-1-0007", 0},
		"list-all-application":        {"by an index", allIssues, "spec.application=suite-1-0007", 0},
		"list-all-origin":             {"by an index", allIssues, "spec.origin=mintmaker", 0},
		"list-all-group":              {"by an index: an IssueGroup", allIssues, "spec.groupKey=CVE-2026-20003", 0},
		"list-all-groups":             {"by an index: all IssueGroups", allIssues, "spec.groupKey!=", 0},
		"list-all-search":             {"the narrow text of all rows", allIssues, "search=code 17", 0},
	} {
		sql, args := store.ListStatement(c.prefix, 500, c.rev, selectorOf(t, c.selector))
		plans := pgtest.Plans
		if c.selector != "" {
			plans = pgtest.Plan // these are planned each time
		}
		requirePlans(t, name, c.reason, plans(t, conn, sql, args...))
	}
	_, reading := postgres.Statements(kind.Projections[0], fields.Everything())
	lo, hi := oneTeam, strings.TrimSuffix(oneTeam, "/")+"0"
	for name, c := range map[string]struct {
		reason string
		args   []any
	}{
		"get":       {"each key by the primary key", []any{[]string{oneTeam + "a", oneTeam + "b"}}},
		"claim":     {"by its index", []any{[]byte("claim")}},
		"held":      {"by the primary key", []any{strings.TrimSuffix(oneTeam, "/")}},
		"revisions": {"the end of an index", nil},
		"history":   {"events of the range of keys", []any{lo, hi, 1, 40_000, 500, 1 << 20}},
		"stats":     {"counts by the index alone", []any{allIssues, strings.TrimSuffix(allIssues, "/") + "0", 10_000}},
	} {
		requirePlans(t, name, c.reason, pgtest.Plans(t, conn, reading[name], c.args...))
	}
}

func selectorOf(t *testing.T, text string) fields.Selector {
	t.Helper()
	selector, err := fields.ParseSelector(text)
	require.NoError(t, err)
	return selector
}

func requirePlans(t *testing.T, name, reason, plans string) {
	t.Helper()
	pgtest.RequireGolden(t, filepath.Join("testdata", "plans", name+".txt"), "-- "+reason+"\n"+plans, *updateGolden)
}
