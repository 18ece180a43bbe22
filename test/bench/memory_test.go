// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// BenchmarkMemory measures the memory of a kite-apiserver, as the Deployment runs it, that
// serves many issues: after lists and searches, after informers have started, and while
// 1,000 watches receive events. It takes the larger population of BenchmarkScale; a round
// has a fixed size, so run it with -test.benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	w := keptWorld(b, issuesOf(b)/workload.PerNamespace)
	cfg, server := w.start(b)
	component := rawClient(b, cfg)
	b.Run("After=start", func(b *testing.B) { server.reportMemory(b, component) })
	for _, stage := range []struct {
		after string
		work  func(*world, *testing.B, *rest.Config)
	}{
		{"lists", (*world).listAll},
		{"searches", (*world).searchAll},
		{"informers", (*world).inform},
		{"watches", (*world).follow},
	} {
		b.Run("After="+stage.after, func(b *testing.B) {
			stage.work(w, b, cfg)
			server.reportMemory(b, component)
		})
	}
}

// listAll lists 500 of each namespace by many clients, and then the cluster's by pages.
func (w *world) listAll(b *testing.B, cfg *rest.Config) {
	b.Helper()
	client := rawClient(b, cfg)
	drive(b, manyClients, w.Namespaces, func(ctx context.Context, i int) error {
		return client.Get().Namespace(w.Namespace(i)).Resource(resource).Param("limit", "500").Do(ctx).Error()
	})
	for next, pages := "", 0; pages < 100; pages++ {
		var list v1alpha1.IssueList
		err := client.Get().Resource(resource).Param("limit", "500").Param("continue", next).Do(b.Context()).Into(&list)
		require.NoError(b, err)
		if next = list.Continue; next == "" {
			return
		}
	}
}

// searchAll searches each namespace by many clients, and then the cluster.
func (w *world) searchAll(b *testing.B, cfg *rest.Config) {
	b.Helper()
	client := rawClient(b, cfg)
	search := func(ctx context.Context, namespace, text string) error {
		return client.Get().Namespace(namespace).Resource(resource).
			Param("fieldSelector", "search="+text).Param("limit", "500").Do(ctx).Error()
	}
	drive(b, manyClients, w.Namespaces, func(ctx context.Context, i int) error {
		return search(ctx, w.Namespace(i), workload.FrequentText)
	})
	drive(b, 2, 10, func(ctx context.Context, _ int) error { return search(ctx, "", workload.NoText) })
}

// inform starts an informer in each namespace, many at once, and one on the cluster.
func (w *world) inform(b *testing.B, cfg *rest.Config) {
	b.Helper()
	client := rawClient(b, cfg)
	drive(b, manyClients, w.Namespaces, func(ctx context.Context, i int) error {
		return readInitialEvents(ctx, client.Get().Namespace(w.Namespace(i)))
	})
	require.NoError(b, readInitialEvents(b.Context(), client.Get()))
}

// follow changes issues while 1,000 watches follow.
func (w *world) follow(b *testing.B, cfg *rest.Config) {
	b.Helper()
	n := wantedRate * loadSeconds
	audience := startWatching(b, cfg, min(w.Namespaces, namespaceWatchers))
	made := makeEvents(b, w.touch(b), 0, n, wantedRate)
	reportDeliveries(b, made, audience.sightings(b, n*deliveriesOf))
}

// touch writes as another replica does, issue after issue of those that are there, among
// the namespaces that are watched.
func (w *world) touch(b *testing.B) writer {
	b.Helper()
	kind := w.Kind()
	store, err := postgres.NewStore(pgtest.Open(b, w.pg, kind.Projections...), kind.Store)
	require.NoError(b, err)
	watched := min(w.Namespaces, namespaceWatchers)
	return func(ctx context.Context, i int) (int64, error) {
		key, _ := kind.Make(w.Number(i%watched, i/watched))
		out := kind.Store.NewFunc()
		err := store.GuaranteedUpdate(ctx, key, out, false, nil,
			func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
				kind.Touch(obj)
				return obj, nil, nil
			}, nil)
		return revisionOf(out), err
	}
}

// readInitialEvents asks as informers of client-go do, and stops when it has them all.
func readInitialEvents(ctx context.Context, request *rest.Request) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := request.Resource(resource).Param("watch", "true").Param("sendInitialEvents", "true").
		Param("resourceVersionMatch", "NotOlderThan").Param("allowWatchBookmarks", "true").Stream(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	lines := bufio.NewReaderSize(events, 16<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("the watch ended among the initial events: %w", err)
		}
		if bytes.Contains(line, []byte(`"k8s.io/initial-events-end"`)) {
			return nil
		}
	}
}
