// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// write is when a writer called, and when it learnt of its commit.
type write struct {
	revision, called, answered int64
}

// BenchmarkCommitToEvent measures how long after its commit a write is an event at a
// watch in another process. The writer learns of the commit a moment after it happened,
// so an event may be faster than the answer and count as less than nothing; the times
// since the call, which contain the write itself, bound the truth from above.
func BenchmarkCommitToEvent(b *testing.B) {
	b.Run("Load=idle", func(b *testing.B) {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		benchLatency(b, 1, func() { <-ticker.C })
	})
	b.Run("Load=full/Writers=64", func(b *testing.B) { benchLatency(b, 64, func() {}) })
}

func benchLatency(b *testing.B, writers int, pace func()) {
	b.Helper()
	cfg := pgtest.Config(b)
	kind := workload.Plain()
	store, err := postgres.NewStore(pgtest.Open(b, cfg), kind.Store)
	require.NoError(b, err)
	watcher := startWatcher(b, cfg)
	b.ResetTimer()
	writes := writeAll(b, store, kind, writers, pace)
	b.StopTimer()
	newest := slices.MaxFunc(writes, func(x, y write) int { return int(x.revision - y.revision) }).revision
	reportLatency(b, writes, watcher.sightings(b, newest))
}

// writeAll makes b.N writes.
func writeAll(b *testing.B, store storage.Interface, kind workload.Kind, writers int, pace func()) []write {
	b.Helper()
	writes, errs := make([]write, b.N), make([]error, writers)
	var next atomic.Int64
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N && errs[w] == nil; i = int(next.Add(1)) - 1 {
				key, obj := kind.Make(i)
				out := kind.Store.NewFunc()
				pace()
				called := time.Now()
				errs[w] = store.Create(b.Context(), key, obj, out, 0)
				writes[i] = write{revision: revisionOf(out), called: called.UnixNano(), answered: time.Now().UnixNano()}
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		require.NoError(b, err)
	}
	return writes
}

func reportLatency(b *testing.B, writes []write, seen []sighting) {
	b.Helper()
	require.Equal(b, len(writes), len(seen), "every write is one event") //nolint:testifylint // Len would print thousands of times
	at := make(map[int64]int64, len(seen))
	for _, s := range seen {
		at[s.Revision] = s.At
	}
	sinceAnswer, sinceCall := make([]int64, len(writes)), make([]int64, len(writes))
	for i, w := range writes {
		require.Contains(b, at, w.revision)
		sinceAnswer[i], sinceCall[i] = at[w.revision]-w.answered, at[w.revision]-w.called
	}
	b.ReportMetric(float64(len(writes))/b.Elapsed().Seconds(), "writes/s")
	reportQuantiles(b, sinceAnswer, "commit")
	reportQuantiles(b, sinceCall, "call")
}

func reportQuantiles(b *testing.B, nanoseconds []int64, since string) {
	b.Helper()
	milliseconds := func(percent int) float64 {
		return float64(quantile(nanoseconds, percent)) / float64(time.Millisecond)
	}
	b.ReportMetric(milliseconds(50), since+"-p50-ms")
	b.ReportMetric(milliseconds(99), since+"-p99-ms")
	b.ReportMetric(milliseconds(100), since+"-max-ms")
}

// quantile sorts the values.
func quantile(values []int64, percent int) int64 {
	slices.Sort(values)
	rank := (len(values)*percent + 99) / 100
	return values[rank-1]
}
