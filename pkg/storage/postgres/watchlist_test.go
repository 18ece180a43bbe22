// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// withInitialEvents makes a watch a WatchList from now on.
func withInitialEvents(opts *storage.ListOptions) {
	yes := true
	opts.ResourceVersion, opts.ResourceVersionMatch = "", metav1.ResourceVersionMatchNotOlderThan
	opts.SendInitialEvents, opts.Predicate.AllowWatchBookmarks = &yes, true
}

// plainCodec reads pods that are their name and padding, too, in no time.
type plainCodec struct{ k8sruntime.Codec }

func (c plainCodec) Decode(data []byte, defaults *schema.GroupVersionKind, into k8sruntime.Object) (k8sruntime.Object, *schema.GroupVersionKind, error) {
	name, _, plain := strings.Cut(string(data[:min(8, len(data))]), " ")
	if !plain {
		return c.Codec.Decode(data, defaults, into)
	}
	pod, ok := into.(*example.Pod)
	if !ok {
		pod = &example.Pod{}
	}
	pod.Name, pod.Annotations = name, map[string]string{"padding": string(data)}
	return pod, nil, nil
}

// fillSQL puts $1 pods of 1 KB into the tables.
const fillSQL = `
	WITH pods AS (
		SELECT n + (SELECT max(rv) FROM events) AS rv, to_char(n, 'FM000000') AS name FROM generate_series(1, $1::int) n
	), stored AS (
		INSERT INTO objects (key, mod_rv, create_rv, value)
		SELECT '/pods/ns/' || name, rv AS mod_rv, rv AS create_rv, convert_to(rpad(name || ' ', 1024, 'x'), 'UTF8') FROM pods
	)
	INSERT INTO events (rv, prev_rv, batch, op, key)
	SELECT rv, 0, '00000000-0000-0000-0000-000000000000', 'P', '/pods/ns/' || name FROM pods`

// TestWatchListInBoundedMemory streams 100,000 objects to a slow reader. It runs alone,
// because it looks at the memory of the process.
//
//nolint:paralleltest // see above
func TestWatchListInBoundedMemory(t *testing.T) {
	const pods, bound = 100_000, 16 << 20
	c := newCluster(t, func(cfg *postgres.Config) { cfg.MaxConnections = 1 })
	c.exec(t, fillSQL, pods)
	_, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Codec = plainCodec{podCodec} })
	start := c.newest(t)
	before := liveHeap()
	w := startWatch(t.Context(), t, store, 0, withInitialEvents)
	for i := range pods {
		if i%20_000 == 5_000 {
			requireStalled(t, w)
			require.Less(t, liveHeap(), before+bound, "after %d pods", i)
			err := remove(t.Context(), store, fmt.Sprintf("%06d", pods-i/10_000))
			require.NoError(t, err, "the only connection is free while the reader sleeps")
		}
		ev := nextEvent(t, w)
		require.Equal(t, watch.Added, ev.Type)
		pod, ok := ev.Object.(*example.Pod)
		require.True(t, ok)
		if pod.Name != fmt.Sprintf("%06d", i+1) || revision(t, pod) != start-pods+int64(i)+1 {
			require.Fail(t, "not the next pod as it was at the start", "%s of revision %s after %d", pod.Name, pod.ResourceVersion, i)
		}
	}
	ev := nextEvent(t, w)
	require.Equal(t, watch.Bookmark, ev.Type)
	require.Equal(t, start, eventRevision(t, ev))
	end, err := storage.HasInitialEventsEndBookmarkAnnotation(ev.Object)
	require.NoError(t, err)
	require.True(t, end)
	requireRevisions(t, w, start+1, start+5)
}

// requireStalled waits until a watch has all that it holds for a reader who sleeps.
func requireStalled(t *testing.T, w watch.Interface) {
	t.Helper()
	require.Eventually(t, func() bool { return len(w.ResultChan()) == cap(w.ResultChan()) }, patience, time.Millisecond)
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one made free of finalizers and pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Large objects end a page of a list before its rows do. The list is whole, its parts
// are, too, and what remains is counted.
func TestListOfLargeObjects(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	const pods = 12
	for i := range pods {
		pod := newPod(fmt.Sprintf("%02d", i))
		pod.Annotations = map[string]string{"padding": strings.Repeat("x", 1000)}
		create(t, store, pod)
	}
	store.SetPageBytes(2500)
	for _, limit := range []int64{0, 5, pods} {
		opts := storage.ListOptions{Recursive: true, Predicate: everything()}
		opts.Predicate.Limit = limit
		var names []string
		for {
			list := &example.PodList{}
			require.NoError(t, store.GetList(t.Context(), "/pods/", opts, list))
			for i := range list.Items {
				names = append(names, list.Items[i].Name)
			}
			if opts.Predicate.Continue = list.Continue; list.Continue == "" {
				require.Nil(t, list.RemainingItemCount)
				break
			}
			require.Len(t, list.Items, int(limit))
			require.EqualValues(t, pods-len(names), *list.RemainingItemCount)
		}
		require.Len(t, names, pods)
		require.IsIncreasing(t, names)
	}
}
