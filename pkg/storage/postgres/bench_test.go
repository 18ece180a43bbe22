// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// benchKind is a resource that is written in the benchmarks: plain, without
// projection and claim, or Issue, with both.
type benchKind struct {
	name        string
	projections []*postgres.Projection
	config      postgres.StoreConfig
	make        func(i int) (key string, obj runtime.Object)
	touch       func(obj runtime.Object)
}

func benchKinds() []benchKind {
	return []benchKind{plainKind(), issueKind()}
}

func plainKind() benchKind {
	return benchKind{
		name: "plain",
		config: postgres.StoreConfig{
			Prefix: "/pods/", Codec: podCodec, Transformer: identity.NewEncryptCheckTransformer(),
			NewFunc:     func() runtime.Object { return &example.Pod{} },
			NewListFunc: func() runtime.Object { return &example.PodList{} },
		},
		make: func(i int) (string, runtime.Object) {
			name := fmt.Sprintf("pod-%08d", i)
			return "/pods/bench/" + name, &example.Pod{ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "bench", UID: types.UID(name),
				Annotations: map[string]string{"padding": strings.Repeat("x", 1300)},
			}}
		},
		touch: func(obj runtime.Object) {
			pod := obj.(*example.Pod)
			pod.Generation++
		},
	}
}

func issueKind() benchKind {
	issueScheme := runtime.NewScheme()
	install.Install(issueScheme)
	resource := issue.Resource()
	return benchKind{
		name:        "issue",
		projections: []*postgres.Projection{resource.Projection},
		config: postgres.StoreConfig{
			Prefix: "/issues.kite.dev/issues/", Codec: postgres.NewCodec(issueScheme, v1alpha1.SchemeGroupVersion),
			Transformer: identity.NewEncryptCheckTransformer(),
			NewFunc:     func() runtime.Object { return &issues.Issue{} },
			NewListFunc: func() runtime.Object { return &issues.IssueList{} },
			Claim:       resource.Claim, ClaimRefused: resource.ClaimRefused, Projection: resource.Projection,
		},
		make: func(i int) (string, runtime.Object) {
			name := fmt.Sprintf("build-component-%08d", i)
			obj := &issues.Issue{
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "bench", UID: types.UID(name)},
				Spec: issues.IssueSpec{
					Title:       "Build of component " + name + " failed: task compile, step compile exited with code 3",
					Description: strings.Repeat("the compiler said something. ", 10),
					Type:        "build", Severity: issues.SeverityMajor, Application: "shop", Component: name,
					Scope: issues.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: name},
					Stage: issues.StagePush,
				},
			}
			rules.PrepareCreate(obj, "bench", time.Unix(1_795_000_000, 0))
			return "/issues.kite.dev/issues/bench/" + name, obj
		},
		touch: func(obj runtime.Object) {
			obj.(*issues.Issue).Status.Occurrences++
		},
	}
}

// BenchmarkWrites measures writes per second at the storage, through storage.Interface
// and, as its peer, with the same SQL driven raw in batches of half the writers.
func BenchmarkWrites(b *testing.B) {
	for _, kind := range benchKinds() {
		for _, writers := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/writers=%d", kind.name, writers), func(b *testing.B) {
				store, engine := openBench(b, kind)
				keys := fillBench(b, store, kind, writers)
				b.Run("create", func(b *testing.B) { benchCreates(b, store, kind, writers) })
				b.Run("update", func(b *testing.B) { benchUpdates(b, store, kind, writers, keys) })
				b.Run("raw-create", func(b *testing.B) { benchRawCreates(b, engine, kind, writers) })
				b.Run("raw-update", func(b *testing.B) { benchRawUpdates(b, store, engine, kind, writers, keys) })
			})
		}
	}
}

// nextObject numbers the objects of all rounds of a process.
var nextObject atomic.Int64

func openBench(b *testing.B, kind benchKind) (*postgres.Store, *postgres.Engine) {
	b.Helper()
	engine := pgtest.Open(b, pgtest.Config(b), kind.projections...)
	store, err := postgres.NewStore(engine, kind.config)
	require.NoError(b, err)
	return store, engine
}

// fillBench creates the objects that updates change: enough that writers seldom meet.
func fillBench(b *testing.B, store *postgres.Store, kind benchKind, writers int) []string {
	b.Helper()
	keys := make([]string, 8*writers)
	parallel(writers, len(keys), func(_, i int) error {
		key, obj := kind.make(int(nextObject.Add(1)))
		keys[i] = key
		return store.Create(b.Context(), key, obj, kind.config.NewFunc(), 0)
	})(b)
	return keys
}

func benchCreates(b *testing.B, store *postgres.Store, kind benchKind, writers int) {
	b.Helper()
	first := int(nextObject.Add(int64(b.N))) - b.N + 1
	keys, objects := make([]string, b.N), make([]runtime.Object, b.N)
	for i := range b.N {
		keys[i], objects[i] = kind.make(first + i)
	}
	b.ResetTimer()
	parallel(writers, b.N, func(_, i int) error {
		return store.Create(b.Context(), keys[i], objects[i], kind.config.NewFunc(), 0)
	})(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// benchUpdates gives each writer keys of its own, as updates of distinct objects.
func benchUpdates(b *testing.B, store *postgres.Store, kind benchKind, writers int, keys []string) {
	b.Helper()
	b.ResetTimer()
	parallel(writers, b.N, func(writer, i int) error {
		key := keys[(writer+i/writers*writers)%len(keys)/writers*writers+writer]
		return store.GuaranteedUpdate(b.Context(), key, kind.config.NewFunc(), false, nil,
			func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
				kind.touch(obj)
				return obj, nil, nil
			}, nil)
	})(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func rawPut(b *testing.B, kind benchKind, key string, obj runtime.Object) postgres.RawPut {
	b.Helper()
	value, err := runtime.Encode(kind.config.Codec, obj)
	require.NoError(b, err)
	put := postgres.RawPut{Key: key, Value: value}
	if kind.config.Claim != nil {
		put.Claim = kind.config.Claim(obj)
	}
	if kind.config.Projection != nil {
		put.Row = kind.config.Projection.Row(obj)
	}
	return put
}

func benchRawCreates(b *testing.B, engine *postgres.Engine, kind benchKind, writers int) {
	b.Helper()
	puts := make([]postgres.RawPut, b.N)
	for i := range puts {
		key, obj := kind.make(int(nextObject.Add(1)))
		puts[i] = rawPut(b, kind, key, obj)
	}
	b.ResetTimer()
	err := engine.DriveRaw(b.Context(), b.N, max(1, writers/2), func(i int) postgres.RawPut { return puts[i] }, func(int, int64) {})
	require.NoError(b, err)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func benchRawUpdates(b *testing.B, store *postgres.Store, engine *postgres.Engine, kind benchKind, writers int, keys []string) {
	b.Helper()
	size := max(1, writers/2)
	puts := make([]postgres.RawPut, len(keys))
	for i, key := range keys {
		obj := kind.config.NewFunc()
		require.NoError(b, store.Get(b.Context(), key, storage.GetOptions{}, obj))
		accessor := obj.(metav1.Object)
		rv, err := storage.APIObjectVersioner{}.ParseResourceVersion(accessor.GetResourceVersion())
		require.NoError(b, err)
		accessor.SetResourceVersion("")
		puts[i] = rawPut(b, kind, key, obj)
		puts[i].Expect = int64(rv)
	}
	b.ResetTimer()
	err := engine.DriveRaw(b.Context(), b.N, size,
		func(i int) postgres.RawPut { return puts[i%len(puts)] },
		func(i int, rev int64) { puts[i%len(puts)].Expect = rev })
	require.NoError(b, err)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// parallel runs n pieces of work on the given number of goroutines; worker w does w,
// w+workers, w+2*workers and so on.
func parallel(workers, n int, work func(worker, i int) error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
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
		if ctx.Err() != nil {
			t.Fatal(context.Cause(ctx))
		}
	}
}

// TestBenchObjectSizes keeps the benchmarks honest: the targets are for objects of
// about 1.5 KB.
func TestBenchObjectSizes(t *testing.T) {
	t.Parallel()
	for _, kind := range benchKinds() {
		_, obj := kind.make(1)
		data, err := runtime.Encode(kind.config.Codec, obj)
		require.NoError(t, err)
		require.InDelta(t, 1500, len(data), 300, kind.name)
		require.True(t, json.Valid(data))
	}
}
