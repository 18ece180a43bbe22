// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// backends are the peers, in the order of their turns.
var backends = []struct {
	name string
	open func(b *testing.B) storage.Interface
}{{"kite", newKiteStore}, {"etcd3", newEtcdStore}}

func newKiteStore(b *testing.B) storage.Interface {
	b.Helper()
	cfg := pgtest.Config(b)
	cfg.MaxConnections = 0 // the program's default
	return newKiteStoreOn(b, cfg)
}

func newKiteStoreOn(b *testing.B, cfg postgres.Config) storage.Interface {
	b.Helper()
	store, err := postgres.NewStore(pgtest.Open(b, cfg), workload.Plain().Store)
	require.NoError(b, err)
	return store
}

// newData is upstream's data, a 50th of it: 3000 pods of 18 KB in 10 namespaces, on 50
// nodes. Stores that are compared get the same.
func newData() storagetesting.BenchmarkData {
	return storagetesting.PrepareBenchmarkData(10, 300, 50)
}

func BenchmarkUpstreamWriteThroughput(b *testing.B) {
	data := newData()
	eachStore(b, func(ctx context.Context, b *testing.B, store storage.Interface, cached bool) {
		b.Helper()
		storagetesting.RunBenchmarkWriteThroughput(ctx, b, store, data, cached, nil)
	})
}

func BenchmarkUpstreamList(b *testing.B) {
	data := newData()
	eachStore(b, func(ctx context.Context, b *testing.B, store storage.Interface, cached bool) {
		b.Helper()
		require.NoError(b, storagetesting.PrecreateBenchmarkPods(ctx, store, data))
		if !cached {
			storagetesting.RunBenchmarkStoreList(ctx, b, store, data, false)
			return
		}
		b.Run("Indexed=true", func(b *testing.B) { storagetesting.RunBenchmarkStoreList(ctx, b, store, data, true) })
		b.Run("Indexed=false", func(b *testing.B) { storagetesting.RunBenchmarkStoreList(ctx, b, store, data, false) })
	})
}

// BenchmarkUpstreamStats has a third peer: kite-asking counts each time, as etcd3 does,
// where the program's default keeps the answer for a minute.
func BenchmarkUpstreamStats(b *testing.B) {
	data := newData()
	run := func(ctx context.Context, b *testing.B, store storage.Interface, _ bool) {
		b.Helper()
		require.NoError(b, storagetesting.PrecreateBenchmarkPods(ctx, store, data))
		b.Run("Count", func(b *testing.B) { storagetesting.RunBenchmarkStoreStats(ctx, b, store) })
	}
	eachStore(b, run)
	b.Run("Layer=raw/Store=kite-asking", func(b *testing.B) {
		cfg := pgtest.Config(b)
		cfg.StatsTTL = time.Nanosecond
		run(context.Background(), b, newKiteStoreOn(b, cfg), false)
	})
}

// eachStore runs a benchmark on every backend: raw, and below upstream's watch cache.
func eachStore(b *testing.B, run func(ctx context.Context, b *testing.B, store storage.Interface, cached bool)) {
	b.Helper()
	for _, backend := range backends {
		b.Run("Layer=raw/Store="+backend.name, func(b *testing.B) {
			run(context.Background(), b, backend.open(b), false)
		})
	}
	for _, backend := range backends {
		b.Run("Layer=cached/Store="+backend.name, func(b *testing.B) {
			run(context.Background(), b, newCache(b, backend.open(b)), true)
		})
	}
}

// newCache puts upstream's watch cache before a store, with the indexes of its own
// benchmarks.
func newCache(b *testing.B, store storage.Interface) storage.Interface {
	b.Helper()
	kind := workload.Plain().Store
	c, err := cacher.NewCacherFromConfig(cacher.Config{
		Storage: store, Versioner: storage.APIObjectVersioner{}, GroupResource: kind.GroupResource,
		EventsHistoryWindow: cacher.DefaultEventFreshDuration, ResourcePrefix: kind.Prefix,
		KeyFunc:      func(obj runtime.Object) (string, error) { return storage.NamespaceKeyFunc(kind.Prefix, obj) },
		GetAttrsFunc: podAttrs, NewFunc: kind.NewFunc, NewListFunc: kind.NewListFunc, Codec: kind.Codec, Clock: clock.RealClock{},
		IndexerFuncs: map[string]storage.IndexerFunc{
			"spec.nodeName": func(obj runtime.Object) string { return obj.(*example.Pod).Spec.NodeName },
		},
		Indexers: &cache.Indexers{
			"f:spec.nodeName":      func(obj any) ([]string, error) { return []string{obj.(*example.Pod).Spec.NodeName}, nil },
			"f:metadata.namespace": func(obj any) ([]string, error) { return []string{obj.(*example.Pod).Namespace}, nil },
		},
	})
	require.NoError(b, err)
	delegator := cacher.NewCacheDelegator(c, store)
	b.Cleanup(func() { delegator.Stop(); c.Stop() })
	require.Eventually(b, c.Ready, 30*time.Second, 5*time.Millisecond)
	return delegator
}

func podAttrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	pod, ok := obj.(*example.Pod)
	if !ok {
		return nil, nil, errors.New("not a pod")
	}
	return pod.Labels, fields.Set{
		"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "spec.nodeName": pod.Spec.NodeName,
	}, nil
}
