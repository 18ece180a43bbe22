// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// statsQueries counts how often a resource was counted.
type statsQueries struct {
	*trace
	n atomic.Int32
}

func (q *statsQueries) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "avg(size)") {
		q.n.Add(1)
	}
	return q.trace.TraceQueryStart(ctx, conn, data)
}

func countStats(q *statsQueries) func(*postgres.Config) {
	return func(cfg *postgres.Config) {
		q.trace = newTrace()
		cfg.Tracer = q
	}
}

// A count of many rows takes long: who does not wait for it ends at once, and who does
// shares it.
func TestStatsAreSharedAndLeft(t *testing.T) {
	t.Parallel()
	var queries statsQueries
	c := newCluster(t, countStats(&queries))
	_, store := c.open(t)
	create(t, store, newPod("a"))
	tx, err := c.conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "LOCK TABLE objects IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, err := store.Stats(ctx); left <- err }()
	require.Eventually(t, func() bool { return queries.n.Load() == 1 }, patience, time.Millisecond)
	answers := make(chan storage.Stats, 8)
	for range cap(answers) {
		go func() { stats, _ := store.Stats(t.Context()); answers <- stats }()
	}
	cancel()
	select {
	case err := <-left:
		require.True(t, apierrors.IsTimeout(err), "%v", err)
	case <-time.After(patience):
		require.Fail(t, "a caller that has gone still waits")
	}
	require.NoError(t, tx.Rollback(t.Context()))
	for range cap(answers) {
		require.EqualValues(t, 1, (<-answers).ObjectCount)
	}
	require.EqualValues(t, 1, queries.n.Load(), "one count for all")
}

func TestStatsAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	var queries statsQueries
	c := newCluster(t, countStats(&queries), func(cfg *postgres.Config) { cfg.StatsTTL = time.Hour })
	_, store := c.open(t)
	requireCount := func(want int64, reason string) {
		t.Helper()
		stats, err := store.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, stats.ObjectCount, reason)
	}
	requireCount(0, "empty")
	create(t, store, newPod("a"))
	requireCount(0, "an old answer is good enough")
	require.EqualValues(t, 1, queries.n.Load())

	c.exec(t, "ALTER TABLE objects RENAME TO hidden")
	_, other := c.open(t)
	_, err := other.Stats(t.Context())
	require.Error(t, err)
	c.exec(t, "ALTER TABLE hidden RENAME TO objects")
	stats, err := other.Stats(t.Context())
	require.NoError(t, err, "a failure is not kept")
	require.EqualValues(t, 1, stats.ObjectCount)
}
