// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/component-base/metrics/legacyregistry"

	"kite.dev/kite/pkg/storage/postgres"
)

// metric reads one value of the process's registry; labels are "name=value". A
// histogram's value is its number of observations.
func metric(t testing.TB, name string, labels ...string) (value float64, found bool) {
	t.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			have := map[string]struct{}{}
			for _, pair := range m.GetLabel() {
				have[pair.GetName()+"="+pair.GetValue()] = struct{}{}
			}
			if !hasAll(have, labels) {
				continue
			}
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func hasAll(have map[string]struct{}, want []string) bool {
	for _, label := range want {
		if _, ok := have[label]; !ok {
			return false
		}
	}
	return true
}

func requireMetric(t testing.TB, want float64, name string, labels ...string) {
	t.Helper()
	got, found := metric(t, name, labels...)
	require.True(t, found, "%s%v is missing", name, labels)
	require.InDelta(t, want, got, 0, "%s%v", name, labels)
}

func eventuallyMetric(t testing.TB, want func(float64) bool, name string, labels ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, found := metric(t, name, labels...)
		return found && want(got)
	}, patience, time.Millisecond, "%s%v", name, labels)
}

func equals(want float64) func(float64) bool { return func(got float64) bool { return got == want } }

func above(bound float64) func(float64) bool { return func(got float64) bool { return got > bound } }

// growth returns how much a counter has grown since now.
func growth(t testing.TB, name string, labels ...string) func() float64 {
	t.Helper()
	before, _ := metric(t, name, labels...)
	return func() float64 {
		now, _ := metric(t, name, labels...)
		return now - before
	}
}

func requireGrowth(t testing.TB, want float64, grown func() float64) {
	t.Helper()
	require.Eventually(t, func() bool { return grown() >= want }, patience, time.Millisecond)
	require.InDelta(t, want, grown(), 0)
}

// Metrics belong to the process, so this test runs before all parallel ones.
//
//nolint:paralleltest // see above
func TestMetrics(t *testing.T) {
	t.Run("writes", testWriteMetrics)
	t.Run("queue", testQueueMetrics)
	t.Run("pools", testPoolMetrics)
	t.Run("feed", testFeedMetrics)
	t.Run("broken feed", testBrokenFeedMetrics)
	t.Run("lost batches", testSettleMetrics)
	t.Run("guard", testJumpMetrics)
	t.Run("history", testHistoryMetrics)
	t.Run("names", testMetricNames)
	t.Run("no engine", testMetricsWithoutEngine)
}

func testWriteMetrics(t *testing.T) {
	_, store := newCluster(t).open(t)
	exists := growth(t, "kite_storage_refused_operations_total", "reason=exists")
	revision := growth(t, "kite_storage_refused_operations_total", "reason=revision")
	claim := growth(t, "kite_storage_refused_operations_total", "reason=claim")
	batches := growth(t, "kite_storage_batch_duration_seconds", "result=ok")
	sizes := growth(t, "kite_storage_batch_operations")

	create(t, store, claims("a", "x"))
	require.Error(t, store.Create(t.Context(), key("a"), newPod("a"), nil, 0))
	require.Error(t, store.Create(t.Context(), key("b"), claims("b", "x"), nil, 0))
	overtaken := false
	_, err := update(t.Context(), store, "a", func(pod *example.Pod) {
		if !overtaken {
			overtaken = true
			_, err := update(t.Context(), store, "a", increment)
			require.NoError(t, err)
		}
		increment(pod)
	})
	require.NoError(t, err)
	requireGrowth(t, 1, exists)
	requireGrowth(t, 1, claim)
	requireGrowth(t, 1, revision)
	require.GreaterOrEqual(t, batches(), 4.0)
	require.InDelta(t, batches(), sizes(), 0)
	requireMetric(t, float64(postgres.SchemaVersion()), "kite_storage_schema_version")
}

func testQueueMetrics(t *testing.T) {
	c := newCluster(t)
	engine, store := c.open(t)
	requireMetric(t, 0, "kite_storage_queued_operations")
	requireMetric(t, 0, "kite_storage_queue_oldest_seconds")
	release := c.occupyWriters(t, engine, store)
	done := make(chan error, 1)
	go func() { done <- store.Create(context.Background(), key("waits"), newPod("waits"), nil, 0) }()
	eventuallyMetric(t, equals(1), "kite_storage_queued_operations")
	eventuallyMetric(t, above(0), "kite_storage_queue_oldest_seconds")
	requireMetric(t, 2, "kite_storage_pool_connections", "pool=write", "state=acquired")
	release()
	require.NoError(t, <-done)
	requireMetric(t, 0, "kite_storage_queued_operations")
	requireMetric(t, 0, "kite_storage_queue_oldest_seconds")
}

func testPoolMetrics(t *testing.T) {
	c := newCluster(t, func(cfg *postgres.Config) { cfg.MaxConnections = 1 })
	_, store := c.open(t)
	create(t, store, newPod("a"))
	requireMetric(t, 1, "kite_storage_pool_connections_max", "pool=read")
	requireMetric(t, 2, "kite_storage_pool_connections_max", "pool=write")
	requireMetric(t, 2, "kite_storage_pool_connections_max", "pool=feed")
	tx, err := c.conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE objects IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	before, _ := metric(t, "kite_storage_pool_acquire_waits_total", "pool=read")
	for range 2 {
		go func() { _, _ = store.Stats(context.Background()) }()
		go func() { _ = store.Get(context.Background(), key("a"), storage.GetOptions{}, &example.Pod{}) }()
	}
	eventuallyMetric(t, equals(1), "kite_storage_pool_connections", "pool=read", "state=acquired")
	require.NoError(t, tx.Rollback(t.Context()))
	eventuallyMetric(t, above(before), "kite_storage_pool_acquire_waits_total", "pool=read")
	eventuallyMetric(t, above(0), "kite_storage_pool_acquire_wait_seconds_total", "pool=read")
	eventuallyMetric(t, above(1), "kite_storage_pool_acquires_total", "pool=read")
	eventuallyMetric(t, equals(1), "kite_storage_pool_connections", "pool=read", "state=idle")
	_, found := metric(t, "kite_storage_pool_acquires_cancelled_total", "pool=read")
	require.True(t, found)
}

func testFeedMetrics(t *testing.T) {
	c := newCluster(t)
	engine, store := c.open(t)
	start := float64(c.newest(t))
	create(t, store, newPod("a"))
	from := c.newest(t)
	slow := startWatch(t.Context(), t, store, from)
	for range 120 {
		_, err := update(t.Context(), store, "a", increment)
		require.NoError(t, err)
	}
	newest := float64(c.newest(t))
	eventuallyMetric(t, equals(newest), "kite_feed_revision")
	eventuallyMetric(t, equals(newest), "kite_storage_revision")
	eventuallyMetric(t, equals(0), "kite_storage_compact_revision")
	eventuallyMetric(t, equals(0), "kite_feed_behind_revisions")
	eventuallyMetric(t, equals(0), "kite_feed_behind_seconds")
	eventuallyMetric(t, equals(newest-start), "kite_feed_ring_events")
	eventuallyMetric(t, above(1000), "kite_feed_ring_bytes")
	eventuallyMetric(t, equals(1), "kite_feed_watches")
	eventuallyMetric(t, equals(1), "kite_feed_blocked_watches")
	read, _ := metric(t, "kite_feed_last_read_timestamp_seconds")
	require.InDelta(t, float64(time.Now().Unix()), read, patience.Seconds())
	eventuallyMetric(t, above(read), "kite_feed_last_read_timestamp_seconds")

	slow.Stop()
	eventuallyMetric(t, equals(0), "kite_feed_blocked_watches")
	eventuallyMetric(t, equals(0), "kite_feed_watches")

	behind := growth(t, "kite_feed_history_reads_total")
	engine.ForgetRecent()
	requireRevisions(t, startWatch(t.Context(), t, store, from), from+1, from+120)
	require.GreaterOrEqual(t, behind(), 1.0)

	reconnects := growth(t, "kite_feed_reconnects_total")
	failures := growth(t, "kite_storage_database_errors_total", "kind=42P01")
	c.exec(t, "ALTER TABLE events RENAME TO hidden")
	require.Error(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}))
	requireGrowth(t, 1, failures)
	eventuallyMetric(t, func(read float64) bool { return float64(time.Now().Unix())-read > 1 }, "kite_feed_last_read_timestamp_seconds")
	_, found := metric(t, "kite_feed_behind_revisions")
	require.False(t, found, "a guess is worse than nothing")
	c.exec(t, "ALTER TABLE hidden RENAME TO events")
	requireGrowth(t, 1, reconnects)
}

// A feed that has stopped falls behind.
func testBrokenFeedMetrics(t *testing.T) {
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	at := c.newest(t)
	require.Eventually(t, func() bool { return engine.FeedPosition() == at }, patience, time.Millisecond)
	// Two revisions appear at once, the first of them only to be gone.
	c.exec(t, "INSERT INTO events (rv, prev_rv, batch, op, key, at) "+
		"VALUES ($1, 0, gen_random_uuid(), 'N', '', clock_timestamp() - interval '90 s')", at+2)
	eventuallyMetric(t, equals(1), "kite_feed_broken")
	eventuallyMetric(t, equals(2), "kite_feed_behind_revisions")
	eventuallyMetric(t, func(s float64) bool { return s >= 90 && s < 90+patience.Seconds() }, "kite_feed_behind_seconds")
	requireMetric(t, float64(at), "kite_feed_revision")
}

func testSettleMetrics(t *testing.T) {
	c := newCluster(t)
	engine, store := c.open(t)
	aborted := growth(t, "kite_storage_settled_batches_total", "result=aborted")
	unlock := c.writeLock(t, engine)
	done := make(chan error, 1)
	go func() { done <- store.Create(context.Background(), key("a"), newPod("a"), nil, 0) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	c.exec(t, "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS t (pid)", c.waitingPIDs(t, engine))
	require.Eventually(t, func() bool { return aborted() == 1 }, patience, time.Millisecond)
	unlock()
	require.NoError(t, <-done)
	for _, result := range []string{"committed", "unknown"} {
		_, found := metric(t, "kite_storage_settled_batches_total", "result="+result)
		require.True(t, found, result)
	}
}

func testJumpMetrics(t *testing.T) {
	c := newCluster(t)
	_, store := c.open(t)
	create(t, store, newPod("a"))
	jumps := growth(t, "kite_storage_revision_jumps_total")
	before := c.newest(t)
	c.exec(t, "UPDATE meta SET timeline = 'other'")
	require.NoError(t, c.killSessions(t.Context(), c.conn))
	require.Eventually(t, func() bool { return c.newest(t) > before }, patience, time.Millisecond)
	requireGrowth(t, 1, jumps)
}

func testHistoryMetrics(t *testing.T) {
	c := newCluster(t)
	engine, store := c.open(t)
	for i := range 5 {
		create(t, store, newPod(fmt.Sprint(i)))
	}
	trimmed := growth(t, "kite_storage_trimmed_events_total")
	expired := growth(t, "kite_storage_expired_objects_total")
	old := c.newest(t) - 2
	age(t, c, old)
	require.NoError(t, engine.TrimNow(t.Context()))
	requireGrowth(t, float64(old), trimmed)
	eventuallyMetric(t, equals(float64(old)), "kite_storage_compact_revision")
	c.exec(t, "UPDATE objects SET expires_at = now() WHERE key = $1", key("0"))
	requireGrowth(t, 1, expired)
}

// Names, units and stability are what dashboards rely on, and the page for operators
// explains every one.
func testMetricNames(t *testing.T) {
	newCluster(t).open(t)
	content, err := os.ReadFile("../../../docs/operator/metrics.md")
	require.NoError(t, err)
	page := string(content)
	own := regexp.MustCompile(`^kite_(storage|feed)_`)
	units := regexp.MustCompile(`_(seconds|bytes|total|info|revision|revisions|version|operations|events|watches|connections|max|broken)$`)
	seen := sets.New[string]()
	require.Eventually(t, func() bool { // some are left out while the database is slow to answer
		families, err := legacyregistry.DefaultGatherer.Gather()
		require.NoError(t, err)
		seen = sets.New[string]()
		for _, family := range families {
			name := family.GetName()
			if !own.MatchString(name) {
				continue
			}
			seen.Insert(name)
			require.Regexp(t, units, name)
			require.True(t, strings.HasPrefix(family.GetHelp(), "[ALPHA] "), name)
			require.Equal(t, family.GetType().String() == "COUNTER", strings.HasSuffix(name, "_total"), name)
			require.Contains(t, page, "`"+name, "docs/operator/metrics.md says nothing about it")
		}
		return seen.Len() == 30
	}, patience, time.Millisecond)
	for _, name := range regexp.MustCompile("`(kite_(?:storage|feed)_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		require.Contains(t, seen, strings.TrimSuffix(name[1], "_bucket"), "docs/operator/metrics.md speaks of it")
	}
}

func testMetricsWithoutEngine(t *testing.T) {
	_, found := metric(t, "kite_storage_pool_connections_max")
	require.False(t, found, "the engines of the tests before have been closed")
}
