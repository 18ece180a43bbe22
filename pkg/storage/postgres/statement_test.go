// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"

	"kite.dev/kite/pkg/storage/postgres"
)

// podTable is the projection of pods; podTableSQL makes it in a test's schema.
const podTableSQL = `CREATE TABLE pod_fields (
	key text COLLATE "C" PRIMARY KEY, node text NOT NULL, message text NOT NULL, members text[] NOT NULL,
	shape smallint NOT NULL DEFAULT 0)`

func podProjection() *postgres.Projection {
	pod := func(obj runtime.Object) *example.Pod { return obj.(*example.Pod) }
	return &postgres.Projection{
		Table: "pod_fields", Prefix: "/pods/",
		Columns: []postgres.Column{
			{
				Field: "spec.nodeName", Name: "node", Match: postgres.Equals, MaxBytes: 63,
				Value: func(obj runtime.Object) string { return pod(obj).Spec.NodeName },
			},
			{
				Field: "search", Name: "message", Match: postgres.Contains, MaxBytes: 4 << 10,
				Value: func(obj runtime.Object) string { return strings.ToLower(pod(obj).Status.Message) },
			},
			{
				Field: "member", Name: "members", Match: postgres.HasMember, MaxBytes: 4 << 10,
				Value: func(obj runtime.Object) string { return postgres.JoinMembers(members(pod(obj))) },
			},
		},
	}
}

// members are a pod's: the words of its reason.
func members(pod *example.Pod) []string { return strings.Fields(pod.Status.Reason) }

func selectsAll() fields.Selector {
	return fields.AndSelectors(fields.OneTermEqualSelector("spec.nodeName", "a"),
		fields.OneTermEqualSelector("search", "b"), fields.OneTermEqualSelector("member", "c"))
}

func TestEveryStatementPrepares(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	writerCfg, err := c.cfg.WriterConfig()
	require.NoError(t, err)
	readerCfg, err := c.cfg.ReaderConfig()
	require.NoError(t, err)
	writing, reading := postgres.Statements(podProjection(), selectsAll())
	for _, group := range []struct {
		cfg        *pgx.ConnConfig
		statements map[string]string
	}{{writerCfg, writing}, {readerCfg, reading}} {
		conn, err := pgx.ConnectConfig(t.Context(), group.cfg)
		require.NoError(t, err)
		for name, sql := range group.statements {
			_, err := conn.Prepare(t.Context(), name, sql)
			require.NoError(t, err, "%s:\n%s", name, sql)
		}
		require.NoError(t, conn.Close(t.Context()))
	}
}

// Without and with statistics, under the settings of the session that runs it, no
// statement of the write path or of the feed reads a table from end to end.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	c.exec(t, `INSERT INTO objects (key, mod_rv, create_rv, claim, value)
		SELECT format('/pods/ns/%s', i), i + 1, i + 1, sha256(i::text::bytea), 'v' FROM generate_series(1, 10000) i`)
	c.exec(t, `INSERT INTO events (rv, prev_rv, batch, op, key)
		SELECT i + 1, 0, gen_random_uuid(), 'P', format('/pods/ns/%s', i) FROM generate_series(1, 10000) i`)
	c.exec(t, `INSERT INTO pod_fields SELECT key, 'a', 'b', '{c}' FROM objects`)
	writing, reading := postgres.Statements(podProjection(), selectsAll())
	writerCfg, err := c.cfg.WriterConfig()
	require.NoError(t, err)
	readerCfg, err := c.cfg.ReaderConfig()
	require.NoError(t, err)

	for _, statistics := range []string{"without statistics", "with statistics"} {
		for _, name := range []string{"write", "project", "unproject", "mark"} {
			require.NotContains(t, plan(t, writerCfg, writing[name]), "Seq Scan", "%s %s", name, statistics)
		}
		unmark := plan(t, writerCfg, writing["unmark"])
		require.Contains(t, unmark, "events_pkey", "only what is new is read: %s %s", statistics, unmark)
		require.NotRegexp(t, "Seq Scan on (events|objects|pod_fields)", unmark, statistics)
		for _, name := range []string{"tail", "history", "get", "claim", "revisions", "trimmable", "trim", "list"} {
			text := plan(t, readerCfg, reading[name])
			for _, table := range []string{"objects", "events"} {
				require.NotContains(t, text, "Seq Scan on "+table, "%s %s:\n%s", name, statistics, text)
			}
		}
		c.exec(t, "ANALYZE objects, events, pod_fields")
	}
}

// plan is the plan of a statement for any parameters.
func plan(t *testing.T, cfg *pgx.ConnConfig, sql string) string {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	described, err := conn.Prepare(t.Context(), "statement", sql)
	require.NoError(t, err)
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(described.ParamOIDs)), ", ")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	rows, err := conn.Query(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE statement %s", nulls), pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}
