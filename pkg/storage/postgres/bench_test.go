// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/component-base/metrics/legacyregistry"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// BenchmarkWrites measures writes per second through storage.Interface (via=storage),
// and as its peer the same SQL driven raw (via=raw), in batches as large as group commit
// made them. An update starts from what this process wrote or saw last; with
// via=suggested from what its caller passes, as a watch cache does; with via=cold
// nobody has the object in memory, and it is read first.
func BenchmarkWrites(b *testing.B) {
	for _, kind := range workload.Kinds() {
		for _, writers := range []int{1, 16, 64, 256} {
			name := fmt.Sprintf("kind=%s/writers=%d", kind.Name, writers)
			b.Run(name+"/op=create", func(b *testing.B) {
				size := max(1, writers/2)
				b.Run("via=storage", func(b *testing.B) { size = benchCreates(b, kind, writers) })
				b.Run("via=raw", func(b *testing.B) { benchRawCreates(b, kind, size) })
			})
			b.Run(name+"/op=update", func(b *testing.B) {
				size := max(1, writers/2)
				b.Run("via=storage", func(b *testing.B) { size = benchUpdates(b, kind, writers) })
				b.Run("via=suggested", func(b *testing.B) { benchSuggestedUpdates(b, kind, writers) })
				b.Run("via=cold", func(b *testing.B) { benchColdUpdates(b, kind, writers) })
				b.Run("via=raw", func(b *testing.B) { benchRawUpdates(b, kind, writers, size) })
			})
		}
	}
}

// benchStore is an empty schema with a store of one kind.
type benchStore struct {
	*postgres.Store
	kind   workload.Kind
	engine *postgres.Engine
}

func openBench(b *testing.B, kind workload.Kind) *benchStore {
	b.Helper()
	engine := pgtest.Open(b, pgtest.Config(b), kind.Projections...)
	store, err := postgres.NewStore(engine, kind.Store)
	require.NoError(b, err)
	return &benchStore{Store: store, kind: kind, engine: engine}
}

// fill creates n objects, and returns their keys and themselves.
func (s *benchStore) fill(b *testing.B, n int) (keys []string, objects []runtime.Object) {
	b.Helper()
	keys, objects = make([]string, n), make([]runtime.Object, n)
	inParallel(b, 64, n, func(_, i int) error {
		key, obj := s.kind.Make(i)
		keys[i], objects[i] = key, s.kind.Store.NewFunc()
		return s.Create(b.Context(), key, obj, objects[i], 0)
	})
	return keys, objects
}

func benchCreates(b *testing.B, kind workload.Kind, writers int) (batchSize int) {
	b.Helper()
	store := openBench(b, kind)
	keys, objects := make([]string, b.N), make([]runtime.Object, b.N)
	for i := range b.N {
		keys[i], objects[i] = kind.Make(i)
	}
	return measureWrites(b, func() {
		inParallel(b, writers, b.N, func(_, i int) error {
			return store.Create(b.Context(), keys[i], objects[i], kind.Store.NewFunc(), 0)
		})
	})
}

// keysEach is how many objects each writer updates in turn.
const keysEach = 8

// turn gives each writer keys of its own, as updates of distinct objects.
func turn(writers, writer, i int) int { return i/writers%keysEach*writers + writer }

func benchUpdates(b *testing.B, kind workload.Kind, writers int) (batchSize int) {
	b.Helper()
	store := openBench(b, kind)
	keys, _ := store.fill(b, keysEach*writers)
	return measureWrites(b, func() {
		inParallel(b, writers, b.N, func(writer, i int) error {
			return store.touch(b.Context(), keys[turn(writers, writer, i)], kind.Store.NewFunc(), nil)
		})
	})
}

func benchSuggestedUpdates(b *testing.B, kind workload.Kind, writers int) {
	b.Helper()
	store := openBench(b, kind)
	keys, cached := store.fill(b, keysEach*writers)
	measureWrites(b, func() {
		inParallel(b, writers, b.N, func(writer, i int) error {
			k := turn(writers, writer, i)
			return store.touch(b.Context(), keys[k], cached[k], cached[k].DeepCopyObject()) // a copy, as the watch cache passes it
		})
	})
}

func benchColdUpdates(b *testing.B, kind workload.Kind, writers int) {
	b.Helper()
	store := openBench(b, kind)
	keys, _ := store.fill(b, b.N)
	store.engine.ForgetRecent()
	measureWrites(b, func() {
		inParallel(b, writers, b.N, func(_, i int) error {
			return store.touch(b.Context(), keys[i], kind.Store.NewFunc(), nil)
		})
	})
}

// touch is a small change to one object.
func (s *benchStore) touch(ctx context.Context, key string, out, suggestion runtime.Object) error {
	return s.GuaranteedUpdate(ctx, key, out, false, nil,
		func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			s.kind.Touch(obj)
			return obj, nil, nil
		}, suggestion)
}

func benchRawCreates(b *testing.B, kind workload.Kind, size int) {
	b.Helper()
	store := openBench(b, kind)
	puts := make([]postgres.RawPut, b.N)
	for i := range puts {
		key, obj := kind.Make(i)
		puts[i] = rawPut(b, kind, key, nil, obj)
	}
	store.engine.Halt()
	measureRaw(b, size, func() error {
		return store.engine.DriveRaw(b.Context(), b.N, size, func(i int) postgres.RawPut { return puts[i] }, func(int, int64) {})
	})
}

func benchRawUpdates(b *testing.B, kind workload.Kind, writers, size int) {
	b.Helper()
	store := openBench(b, kind)
	keys, objects := store.fill(b, keysEach*writers)
	// So many that each key always falls to the same session.
	puts := make([]postgres.RawPut, len(keys)/(postgres.RawSessions*size)*postgres.RawSessions*size)
	for i := range puts {
		rv := revision(b, objects[i].(metav1.Object))
		objects[i].(metav1.Object).SetResourceVersion("")
		puts[i] = rawPut(b, kind, keys[i], objects[i], objects[i])
		puts[i].Expect = rv
	}
	store.engine.Halt()
	measureRaw(b, size, func() error {
		return store.engine.DriveRaw(b.Context(), b.N, size,
			func(i int) postgres.RawPut { return puts[i%len(puts)] },
			func(i int, rev int64) { puts[i%len(puts)].Expect = rev })
	})
}

func rawPut(b *testing.B, kind workload.Kind, key string, before, obj runtime.Object) postgres.RawPut {
	b.Helper()
	value, err := runtime.Encode(kind.Store.Codec, obj)
	require.NoError(b, err)
	put := postgres.RawPut{Key: key, Value: value}
	if kind.Store.Claim != nil {
		put.Claim = kind.Store.Claim(obj)
	}
	if kind.Store.Projection != nil {
		put.Project(kind.Store.Projection, before, obj)
	}
	return put
}

// measureWrites times work, which makes b.N writes, and returns how many of them were
// in one batch.
func measureWrites(b *testing.B, work func()) (batchSize int) {
	b.Helper()
	batches, operations := countBatches(b)
	b.ResetTimer()
	work()
	b.StopTimer()
	after, operationsAfter := countBatches(b)
	mean := (operationsAfter - operations) / float64(after-batches)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(mean, "writes/batch")
	return int(math.Round(mean))
}

func measureRaw(b *testing.B, size int, work func() error) {
	b.Helper()
	b.ResetTimer()
	require.NoError(b, work())
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
	b.ReportMetric(float64(size), "writes/batch")
}

// countBatches reads the metric that people see.
func countBatches(b *testing.B) (batches uint64, operations float64) {
	b.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	require.NoError(b, err)
	for _, family := range families {
		if family.GetName() == "kite_storage_batch_operations" {
			histogram := family.GetMetric()[0].GetHistogram()
			return histogram.GetSampleCount(), histogram.GetSampleSum()
		}
	}
	return 0, 0
}

// inParallel does n pieces of work on the given number of goroutines; worker w does w,
// w+workers, w+2*workers and so on.
func inParallel(b *testing.B, workers, n int, work func(worker, i int) error) {
	b.Helper()
	ctx, cancel := context.WithCancelCause(b.Context())
	defer cancel(nil)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += workers {
				if err := work(w, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	require.NoError(b, context.Cause(ctx))
}

// TestBenchObjectSizes keeps the benchmarks honest: the targets are for objects of
// about 1.5 KB.
func TestBenchObjectSizes(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		_, obj := kind.Make(1)
		data, err := runtime.Encode(kind.Store.Codec, obj)
		require.NoError(t, err)
		require.InDelta(t, 1500, len(data), 300, kind.Name)
		require.True(t, json.Valid(data))
	}
}
