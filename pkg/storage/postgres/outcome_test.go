// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// increment counts in a label. Its caller learns the new number.
func increment(pod *example.Pod) {
	n, _ := strconv.Atoi(pod.Labels["n"])
	pod.Labels = map[string]string{"n": strconv.Itoa(n + 1)}
}

func number(t testing.TB, pod *example.Pod) int64 {
	t.Helper()
	n, err := strconv.ParseInt("0"+pod.Labels["n"], 10, 64)
	require.NoError(t, err)
	return n
}

// get reads a pod, again as long as the store has connections that were cut.
func get(t testing.TB, store *postgres.Store, name string) *example.Pod {
	t.Helper()
	pod := &example.Pod{}
	require.Eventually(t, func() bool {
		return store.Get(t.Context(), key(name), storage.GetOptions{}, pod) == nil
	}, patience, time.Millisecond)
	return pod
}

// startWatch watches all pods from a revision on.
func startWatch(ctx context.Context, t testing.TB, store *postgres.Store, rev int64, change ...func(*storage.ListOptions)) watch.Interface {
	t.Helper()
	opts := storage.ListOptions{Recursive: true, Predicate: everything(), ResourceVersion: strconv.FormatInt(rev, 10)}
	for _, f := range change {
		f(&opts)
	}
	w, err := store.Watch(ctx, "/pods/", opts)
	require.NoError(t, err)
	t.Cleanup(w.Stop)
	return w
}

// nextEvent returns the next event of a watch that must go on.
func nextEvent(t testing.TB, w watch.Interface) watch.Event {
	t.Helper()
	select {
	case ev, ok := <-w.ResultChan():
		require.True(t, ok, "the watch was closed")
		if shared, ok := ev.Object.(runtime.CacheableObject); ok {
			ev.Object = shared.GetObject()
		}
		return ev
	case <-time.After(patience):
		require.Fail(t, "no event")
		return watch.Event{}
	}
}

func eventRevision(t testing.TB, ev watch.Event) int64 {
	t.Helper()
	require.NotEqual(t, watch.Error, ev.Type, "%+v", ev.Object)
	pod, ok := ev.Object.(*example.Pod)
	require.True(t, ok)
	return revision(t, pod)
}

// requireRevisions reads a watch of everything: each revision once, in order, no hole.
func requireRevisions(t testing.TB, w watch.Interface, from, to int64) {
	t.Helper()
	for want := from; want <= to; want++ {
		require.Equal(t, want, eventRevision(t, nextEvent(t, w)))
	}
}

// requireGapless: the schema's history has no hole.
func requireGapless(t testing.TB, c *cluster) {
	t.Helper()
	require.Zero(t, queryOne[int64](t, c, "SELECT max(rv) - min(rv) + 1 - count(*) FROM events"))
}

// isUnsettled and isRefused sort the errors that a lost database may cause: the first
// leave open whether the write happened.
func isUnsettled(err error) bool { return apierrors.IsTimeout(err) }

func isRefused(err error) bool { return apierrors.IsServiceUnavailable(err) }

// tally is what the clients of one counter know about it.
type tally struct{ acknowledged, unsettled, refused atomic.Int64 }

func (y *tally) count(err error) error {
	switch {
	case err == nil:
		y.acknowledged.Add(1)
	case isUnsettled(err):
		y.unsettled.Add(1)
	case isRefused(err):
		y.refused.Add(1)
	default:
		return err
	}
	return nil
}

// TestOutcomesWhenSessionsDie increments counters on two engines while all their
// sessions are terminated over and over.
func TestOutcomesWhenSessionsDie(t *testing.T) {
	t.Parallel()
	for name, connections := range map[string]int32{"a pool": 4, "one connection": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, func(cfg *postgres.Config) { cfg.MaxConnections = connections })
			_, one := c.open(t)
			_, two := c.open(t)
			const counters, clients = 4, 8
			for i := range counters {
				create(t, one, newPod(fmt.Sprint(i)))
			}
			start := c.newest(t)
			w := startWatch(t.Context(), t, two, start)
			other := startWatch(t.Context(), t, one, start)

			ctx, cancel := context.WithCancel(t.Context())
			var tallies [counters]tally
			var work sync.WaitGroup
			for i := range clients {
				store := []*postgres.Store{one, two}[i%2]
				work.Go(func() {
					for n := i; ctx.Err() == nil; n++ {
						_, err := update(t.Context(), store, fmt.Sprint(n%counters), increment)
						if err := tallies[n%counters].count(err); err != nil {
							t.Errorf("increment %d: %v", n%counters, err)
							return
						}
					}
				})
			}
			killer := connect(t, c.cfg)
			ticker := time.NewTicker(100 * time.Millisecond)
			defer ticker.Stop()
			for range 30 {
				<-ticker.C
				require.NoError(t, c.killSessions(t.Context(), killer))
			}
			cancel()
			work.Wait()

			for i := range counters {
				pod := get(t, one, fmt.Sprint(i))
				n, acknowledged, unsettled := number(t, pod), tallies[i].acknowledged.Load(), tallies[i].unsettled.Load()
				t.Logf("counter %d is %d: %d acknowledged, %d unsettled, %d refused", i, n, acknowledged, unsettled, tallies[i].refused.Load())
				require.GreaterOrEqual(t, n, acknowledged, "an acknowledged write is lost")
				require.LessOrEqual(t, n, acknowledged+unsettled, "a write was made twice, or one that was refused was made")
				require.Positive(t, acknowledged)
			}
			requireGapless(t, c)
			end := c.newest(t)
			requireRevisions(t, w, start+1, end)
			requireRevisions(t, other, start+1, end)
		})
	}
}

// TestOutcomeOfABatchThatWaits kills only the client's side: the backend goes on
// waiting for the lock and would commit once it gets it.
func TestOutcomeOfABatchThatWaits(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	c := newCluster(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	engine, store := c.open(t)
	c.cfg = direct
	create(t, store, newPod("a"))

	unlock := c.writeLock(t, engine)
	result := make(chan error, 1)
	go func() {
		_, err := update(context.Background(), store, "a", increment)
		result <- err
	}()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	pids := c.waitingPIDs(t, engine)
	proxy.cut()
	require.Eventually(t, func() bool {
		return queryOne[int](t, c, "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", pids) == 0
	}, patience, time.Millisecond, "the backend whose client is gone must be ended before anybody is answered")
	unlock()
	err := <-result
	if err != nil {
		require.True(t, isRefused(err) || isUnsettled(err), "%v", err)
	}
	pod := get(t, store, "a")
	if err == nil || isRefused(err) {
		require.Equal(t, err == nil, number(t, pod) == 1, "answered %v", err)
	}
	require.Less(t, number(t, pod), int64(2))
	requireGapless(t, c)
}

// A batch is committed, its answer is lost, and it is settled: who was written learns
// its success, and who was refused the reason.
func TestBatchWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	c := newCluster(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	engine, store := c.open(t)
	c.cfg = direct
	create(t, store, claims("holder", "x"))
	create(t, store, newPod("counter"))
	release := c.occupyWriters(t, engine, store)
	second := make(chan func(), 1)
	go func() { second <- c.writeLock(t, engine) }() //nolint:testifylint // a failure there ends the test as well: nothing arrives
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 3 }, patience, time.Millisecond)
	good, bad, counted := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { good <- store.Create(context.Background(), key("good"), newPod("good"), nil, 0) }()
	go func() { bad <- store.Create(context.Background(), key("bad"), claims("bad", "x"), nil, 0) }()
	go func() {
		_, err := update(context.Background(), store, "counter", increment)
		counted <- err
	}()
	require.Eventually(t, func() bool { return engine.Queued() == 3 }, patience, time.Millisecond)
	release()
	unlock := <-second
	require.Eventually(t, func() bool { return engine.Queued() == 0 && c.waitingWriters(t, engine) > 0 }, patience, time.Millisecond)
	proxy.mute(true)
	unlock()
	require.Eventually(t, func() bool {
		return queryOne[int](t, c, "SELECT count(*) FROM objects WHERE key = $1", key("good")) == 1
	}, patience, time.Millisecond)
	proxy.cut()
	proxy.mute(false)
	require.NoError(t, <-good)
	require.NoError(t, <-counted)
	require.Equal(t, key("holder"), holderOf(t, <-bad))
	require.EqualValues(t, 1, number(t, get(t, store, "counter")))
}

func (c *cluster) waitingPIDs(t testing.TB, engine *postgres.Engine) []int32 {
	t.Helper()
	return queryOne[[]int32](t, c, "SELECT coalesce(array_agg(pid), '{}') FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "+
		"AND (classid::bigint << 32 | objid::bigint) = $1", engine.WriteLock())
}

func (c *cluster) waitingWriters(t testing.TB, engine *postgres.Engine) int {
	t.Helper()
	return len(c.waitingPIDs(t, engine))
}

// A watch outlives the loss of every session, again and again.
func TestWatchOutlivesItsSessions(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, one := c.open(t)
	_, two := c.open(t)
	create(t, one, newPod("a"))
	rev := c.newest(t)
	w := startWatch(t.Context(), t, two, rev)
	for range 5 {
		require.NoError(t, c.killSessions(t.Context(), c.conn))
		require.Eventually(t, func() bool {
			_, err := update(t.Context(), one, "a", increment)
			return err == nil
		}, patience, time.Millisecond)
		end := c.newest(t)
		requireRevisions(t, w, rev+1, end)
		rev = end
	}
}

// While the database refuses sessions, requests get 503 with a time to wait, quickly,
// and afterwards everything goes on.
func TestOutageIs503(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	c := newCluster(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	_, store := c.open(t)
	c.cfg = direct
	create(t, store, newPod("a"))
	rev := c.newest(t)
	w := startWatch(t.Context(), t, store, rev)
	proxy.refuse(true)
	proxy.cut()
	_, err := update(t.Context(), store, "a", increment)
	require.True(t, isRefused(err) || isUnsettled(err), "it may have been sent on a connection that was already cut: %v", err)
	seconds, ok := apierrors.SuggestsClientDelay(err)
	require.True(t, ok)
	require.Positive(t, seconds)
	err = store.Create(t.Context(), key("b"), newPod("b"), nil, 0)
	require.True(t, isRefused(err) || isUnsettled(err), "as above, on the other writer's: %v", err)
	err = store.Create(t.Context(), key("c"), newPod("c"), nil, 0)
	require.True(t, isRefused(err), "%v", err)
	err = store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, &example.PodList{})
	require.True(t, isRefused(err), "%v", err)
	_, err = store.GetCurrentResourceVersion(t.Context())
	require.True(t, isRefused(err), "%v", err)
	proxy.refuse(false)
	require.Eventually(t, func() bool {
		_, err := update(t.Context(), store, "a", increment)
		return err == nil
	}, patience, 10*time.Millisecond)
	requireRevisions(t, w, rev+1, c.newest(t))
}
