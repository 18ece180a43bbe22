// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

func createFor(t testing.TB, store *postgres.Store, pod *example.Pod, seconds uint64) {
	t.Helper()
	require.NoError(t, store.Create(t.Context(), key(pod.Name), pod, nil, seconds))
}

// renew updates a pod and gives it a time to live; nil is none.
func renew(ctx context.Context, store *postgres.Store, name string, seconds *uint64) error {
	return store.GuaranteedUpdate(ctx, key(name), &example.Pod{}, false, nil,
		func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			pod := obj.(*example.Pod)
			increment(pod)
			return pod, seconds, nil
		}, nil)
}

// lifetime is the time to live that a pod's newest revision gave it, in seconds.
func lifetime(t testing.TB, c *cluster, name string) float64 {
	t.Helper()
	return queryOne[float64](t, c, "SELECT coalesce(extract(epoch FROM o.expires_at - e.at), -1)::float8 "+
		"FROM objects o JOIN events e ON e.rv = o.mod_rv WHERE o.key = $1", key(name))
}

// letExpire makes the time of pods pass.
func letExpire(t testing.TB, c *cluster) {
	t.Helper()
	c.exec(t, "UPDATE objects SET expires_at = now() WHERE expires_at IS NOT NULL")
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	const hour, century = 3600, 100 * 365 * 24 * 3600
	hours := uint64(hour)
	for name, tc := range map[string]struct {
		reason   string
		create   uint64
		update   bool
		renew    *uint64
		min, max float64
	}{
		"for-ever": {"no time was given", 0, false, nil, -1, -1},
		"short":    {"an object outlives the requests around its creation", 1, false, nil, 2, 2},
		"hour":     {"as given, from the commit on", hour, false, nil, hour, hour},
		"renewed":  {"each update counts anew", 10, true, &hours, hour, hour},
		"removed":  {"an update without one removes it, as in etcd", hour, true, nil, -1, -1},
		"longest":  {"a number that overflows is not a short time", math.MaxUint64, false, nil, century, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			_, store := c.open(t)
			createFor(t, store, newPod(name), tc.create)
			if tc.update {
				require.NoError(t, renew(t.Context(), store, name, tc.renew))
			}
			got := lifetime(t, c, name)
			require.GreaterOrEqual(t, got, tc.min, tc.reason)
			require.LessOrEqual(t, got, tc.max, tc.reason)
		})
	}
}

// Two engines find the same expired objects at the same time, more than one of their
// steps. Each object goes once, as an event in order, and its claim is free.
func TestExpiryIsOneEvent(t *testing.T) {
	t.Parallel()
	const pods = 600
	c := newCluster(t)
	_, one := c.open(t)
	_, two := c.open(t)
	var work sync.WaitGroup
	for i := range pods {
		work.Go(func() {
			pod := claims(fmt.Sprint(i), fmt.Sprint("claim ", i))
			if i == 0 {
				pod.Finalizers = []string{"example.com/kept"} // as in etcd, a lease does not wait for it
			}
			if err := one.Create(context.Background(), key(pod.Name), pod, nil, 3600); err != nil {
				t.Errorf("create %s: %v", pod.Name, err)
			}
		})
	}
	work.Wait()
	create(t, one, newPod("stays"))
	start := c.newest(t)
	watches := []watch.Interface{startWatch(t.Context(), t, one, start), startWatch(t.Context(), t, two, start)}
	letExpire(t, c)
	for _, w := range watches {
		gone := map[string]struct{}{}
		for want := start + 1; want <= start+pods; want++ {
			ev := nextEvent(t, w)
			require.Equal(t, watch.Deleted, ev.Type)
			require.Equal(t, want, eventRevision(t, ev))
			gone[ev.Object.(*example.Pod).Name] = struct{}{}
		}
		require.Len(t, gone, pods)
	}
	create(t, two, claims("next", "claim 0"))
	for _, w := range watches {
		requireRevisions(t, w, start+pods+1, start+pods+1)
	}
	require.Equal(t, start+pods+1, c.newest(t), "nothing was written twice")
	require.Equal(t, 2, queryOne[int](t, c, "SELECT count(*) FROM objects"))
	requireGapless(t, c)
	requireGuardUnused(t, c)
}

// An object that is renewed while its deletion waits for the lock stays.
func TestRenewalOvertakesExpiry(t *testing.T) {
	t.Parallel()
	hour := uint64(3600)
	c := newCluster(t)
	engine, one := c.open(t)
	_, two := c.open(t)
	createFor(t, one, newPod("a"), hour)
	create(t, one, newPod("other"))
	start := c.newest(t)
	unlock := c.writeLock(t, engine)
	renewed := make(chan error, 1)
	go func() { renewed <- renew(context.Background(), two, "a", &hour) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	letExpire(t, c)
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) >= 2 }, patience, time.Millisecond)
	unlock()
	require.NoError(t, <-renewed)
	_, err := update(t.Context(), one, "other", increment) // behind the deletion
	require.NoError(t, err)
	require.Equal(t, start+2, c.newest(t), "the deletion was refused, and cost no revision")
	require.InDelta(t, float64(hour), lifetime(t, c, "a"), 0)
}

// A deletion that waits for the lock keeps no connection from reads.
func TestExpiryHoldsNoConnection(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *postgres.Config) { cfg.MaxConnections = 1 })
	engine, store := c.open(t)
	createFor(t, store, newPod("a"), 3600)
	unlock := c.writeLock(t, engine)
	letExpire(t, c)
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	require.NoError(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}), "the sweeper holds the only connection while its write waits")
	unlock()
	require.Eventually(t, func() bool {
		return queryOne[int](t, c, "SELECT count(*) FROM objects") == 0
	}, patience, time.Millisecond)
}
