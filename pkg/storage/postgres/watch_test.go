// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// seen is one event of a watch, with what a client remembers of it.
type seen struct {
	rev  int64
	kind watch.EventType
	name string
	n    int64
}

// record reads a watch until it has seen revision end, and checks that no bookmark
// runs ahead of an event.
func record(t testing.TB, w watch.Interface, end int64) []seen {
	t.Helper()
	var events []seen
	bookmark := int64(0)
	for {
		ev := nextEvent(t, w)
		rev := eventRevision(t, ev)
		if ev.Type == watch.Bookmark {
			require.GreaterOrEqual(t, rev, bookmark, "bookmarks go back")
			bookmark = rev
		} else {
			require.Greater(t, rev, bookmark, "an event came after a bookmark that promised it had been sent")
			pod, ok := ev.Object.(*example.Pod)
			require.True(t, ok)
			events = append(events, seen{rev, ev.Type, pod.Name, number(t, pod)})
		}
		if rev >= end {
			return events
		}
	}
}

func withProgress(opts *storage.ListOptions) { opts.ProgressNotify = true }

// churn writes to pods of all names until n changes have succeeded.
func churn(t testing.TB, store *postgres.Store, seed uint64, n int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	for done := 0; done < n; {
		name := fmt.Sprint(random.IntN(6))
		var err error
		switch random.IntN(4) {
		case 0:
			err = store.Create(t.Context(), key(name), newPod(name), nil, 0)
		case 1:
			err = remove(t.Context(), store, name)
		default:
			_, err = update(t.Context(), store, name, increment)
		}
		switch {
		case err == nil:
			done++
		case !storage.IsExist(err) && !storage.IsNotFound(err):
			t.Errorf("write %s: %v", name, err)
			return
		}
	}
}

// TestWatchInvariants: over two engines a watch is ordered, unique and without holes,
// its bookmarks keep their promise, every watch tells the same story whichever engine
// serves it, and it can be resumed on the other engine from any revision, also from
// one that the ring has forgotten.
func TestWatchInvariants(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *postgres.Config) { cfg.ProgressInterval = 2 * time.Millisecond })
	one, storeOne := c.open(t)
	two, storeTwo := c.open(t)
	engines, stores := []*postgres.Engine{one, two}, []*postgres.Store{storeOne, storeTwo}
	start := c.newest(t)
	watches := []watch.Interface{
		startWatch(t.Context(), t, storeOne, start, withProgress), startWatch(t.Context(), t, storeTwo, start, withProgress),
	}
	const writesEach = 300
	end := start + 2*writesEach
	var work sync.WaitGroup
	stories := make([][]seen, len(watches))
	for i, store := range stores {
		work.Go(func() { churn(t, store, uint64(i), writesEach) })
		work.Go(func() { stories[i] = record(t, watches[i], end) })
	}
	work.Wait()
	require.False(t, t.Failed())

	story := stories[0]
	require.Equal(t, story, stories[1])
	require.Len(t, story, 2*writesEach)
	for i, ev := range story {
		require.Equal(t, start+1+int64(i), ev.rev)
	}
	requireCoherent(t, story)
	requireGapless(t, c)

	for i := range 24 {
		from := i * len(story) / 24
		if i == 12 {
			for _, engine := range engines {
				engine.ForgetRecent()
			}
		}
		w := startWatch(t.Context(), t, stores[i%2], story[from].rev, withProgress)
		require.Equal(t, story[from+1:], record(t, w, end), "resumed after %d", story[from].rev)
		w.Stop()
	}
}

// requireCoherent: each pod is added, changed and deleted in turn, and every number
// follows the one before it: no event shows a newer object than its revision.
func requireCoherent(t *testing.T, story []seen) {
	t.Helper()
	now := map[string]*seen{}
	for _, ev := range story {
		before := now[ev.name]
		switch ev.kind {
		case watch.Added:
			require.Nil(t, before, "%+v", ev)
			require.Zero(t, ev.n, "%+v", ev)
		case watch.Modified:
			require.NotNil(t, before, "%+v", ev)
			require.Equal(t, before.n+1, ev.n, "%+v", ev)
		default:
			require.NotNil(t, before, "%+v", ev)
			require.Equal(t, before.n, ev.n, "%+v", ev)
		}
		if ev.kind == watch.Deleted {
			delete(now, ev.name)
			continue
		}
		now[ev.name] = &ev
	}
}

// A feed that reads events long after their objects have changed again shows each as
// it was.
func TestFeedThatLagsShowsEachVersion(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, writer := c.open(t)
	proxy := newProxy(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	_, reader := c.open(t)
	c.cfg = direct
	create(t, writer, newPod("a"))
	start := c.newest(t)
	w := startWatch(t.Context(), t, reader, start)
	other := startWatch(t.Context(), t, writer, start)
	proxy.refuse(true)
	proxy.cut()
	for range 20 {
		_, err := update(t.Context(), writer, "a", increment)
		require.NoError(t, err)
	}
	require.NoError(t, remove(t.Context(), writer, "a"))
	create(t, writer, newPod("a"))
	end := c.newest(t)
	proxy.refuse(false)
	story := record(t, w, end)
	require.Equal(t, record(t, other, end), story)
	require.Len(t, story, 22)
	for i := range 20 {
		require.EqualValues(t, i+1, story[i].n)
	}
}

// Progress that is asked for after a write shows that write, on every engine.
func TestRequestedProgressIsNotOlderThanTheRequest(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *postgres.Config) { cfg.ProgressInterval = time.Hour })
	_, one := c.open(t)
	_, two := c.open(t)
	w := startWatch(t.Context(), t, two, c.newest(t), withProgress)
	create(t, one, newPod("a"))
	for range 200 {
		_, err := update(t.Context(), one, "a", increment)
		require.NoError(t, err)
		want, err := two.GetCurrentResourceVersion(t.Context())
		require.NoError(t, err)
		require.NoError(t, two.RequestWatchProgress(t.Context()))
		for {
			ev := nextEvent(t, w)
			if ev.Type == watch.Bookmark && eventRevision(t, ev) >= int64(want) {
				break
			}
		}
	}
}

// Reads that are slow, or blocked, hold up no watch and no write.
func TestSlowReadsDoNotStopTheFeed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *postgres.Config) { cfg.MaxConnections = 2 })
	c.exec(t, podTableSQL)
	_, writer := c.open(t)
	_, reader := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = podProjection() })
	w := startWatch(t.Context(), t, reader, c.newest(t))
	locker := connect(t, c.cfg)
	_, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE pod_fields")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var lists sync.WaitGroup
	for range 4 {
		lists.Go(func() {
			pred := predicate(fields.OneTermEqualSelector("spec.nodeName", "a"))
			_ = reader.GetList(ctx, "/pods/", storage.ListOptions{Recursive: true, Predicate: pred}, &example.PodList{})
		})
	}
	const blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pod_fields'::regclass"
	require.Eventually(t, func() bool { return queryOne[int](t, c, blocked) == 2 }, patience, time.Millisecond)
	for range 5 {
		create(t, writer, newPod(fmt.Sprint(c.newest(t))))
		requireRevisions(t, w, c.newest(t), c.newest(t))
	}
	cancel()
	lists.Wait()
}

// A hole that no compaction explains is an alarm: watches end with an error, requests
// go on, and the process does not spin.
func TestHoleBreaksTheFeed(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	rev := c.newest(t)
	w := startWatch(t.Context(), t, store, rev)
	require.Eventually(t, func() bool { return engine.FeedPosition() == rev }, patience, time.Millisecond)
	c.exec(t, "INSERT INTO events (rv, prev_rv, batch, op, key) VALUES ($1, 0, gen_random_uuid(), 'P', '/pods/ns/ghost')", rev+5)
	requireErrorEvent(t, w, 500)
	require.Equal(t, rev, engine.FeedPosition())
	_, err := update(t.Context(), store, "a", increment)
	require.NoError(t, err)
	requireErrorEvent(t, startWatch(t.Context(), t, store, rev), 500)
}

func requireErrorEvent(t testing.TB, w watch.Interface, code int32) {
	t.Helper()
	ev := nextEvent(t, w)
	require.Equal(t, watch.Error, ev.Type)
	status, ok := ev.Object.(*metav1.Status)
	require.True(t, ok)
	require.Equal(t, code, status.Code, status.Message)
	_, open := <-w.ResultChan()
	require.False(t, open, "nothing follows an error")
}

// Close ends every goroutine of the engine, also while writes wait and watches run.
func TestCloseLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, err := postgres.Open(t.Context(), c.cfg)
	require.NoError(t, err)
	store, err := postgres.NewStore(engine, podStore())
	require.NoError(t, err)
	create(t, store, newPod("a"))
	ctx, cancel := context.WithCancel(t.Context())
	w := startWatch(ctx, t, store, c.newest(t))
	unlock := c.writeLock(t, engine)
	results := make(chan error, 8)
	for i := range cap(results) {
		go func() {
			results <- store.Create(context.Background(), key(fmt.Sprint("b", i)), newPod(fmt.Sprint("b", i)), nil, 0)
		}()
	}
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) > 0 }, patience, time.Millisecond)
	cancel()
	closed := make(chan struct{})
	go func(stop func()) { stop(); closed <- struct{}{} }(engine.Close)
	unlock()
	<-closed
	for range cap(results) {
		err := <-results
		require.True(t, err == nil || isRefused(err) || isUnsettled(err) || apierrors.IsTimeout(err), "%v", err)
	}
	for range w.ResultChan() {
	}
	pids := c.trace.takePIDs()
	require.Eventually(t, func() bool {
		return queryOne[int](t, c, "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1) AND application_name = 'kite-apiserver'", pids) == 0
	}, patience, time.Millisecond, "a session is left")
	address := fmt.Sprintf("%p", engine)
	require.Eventually(t, func() bool {
		stacks := make([]byte, 8<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), address)
	}, patience, 10*time.Millisecond, "a goroutine still has the engine")
}

// behindProxy opens a store whose connections a test can cut.
func (c *cluster) behindProxy(t testing.TB) (*proxy, *postgres.Engine, *postgres.Store) {
	t.Helper()
	proxy := newProxy(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	engine, store := c.open(t)
	c.cfg = direct
	return proxy, engine, store
}

// A client that lists and then watches, with bookmarks, needs to do so once: the feed
// may lose the database as often as it will.
func TestListAndWatchOutliveTheFeedsConnection(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, writer := c.open(t)
	proxy, _, reader := c.behindProxy(t)
	reader.BookmarkInterval = time.Millisecond
	create(t, writer, newPod("a"))
	list := &example.PodList{}
	require.NoError(t, reader.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, list))
	rev := revision(t, list)
	w := startWatch(t.Context(), t, reader, rev, func(opts *storage.ListOptions) { opts.Predicate.AllowWatchBookmarks = true })
	for range 4 {
		proxy.refuse(true)
		proxy.cut()
		for range 3 {
			_, err := update(t.Context(), writer, "a", increment)
			require.NoError(t, err)
		}
		proxy.refuse(false)
		story := record(t, w, rev+3)
		for len(story) < 3 { // a bookmark came in between
			story = append(story, record(t, w, rev+3)...)
		}
		for i, ev := range story {
			require.Equal(t, rev+1+int64(i), ev.rev)
		}
		rev += 3
	}
}

// A watch from a revision on can be started while the database is away: it waits. One
// that must first ask the database is refused, with a time to wait.
func TestWatchStartsDuringAnOutage(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, writer := c.open(t)
	proxy, engine, reader := c.behindProxy(t)
	create(t, writer, newPod("a"))
	rev := c.newest(t)
	_, err := update(t.Context(), writer, "a", increment)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return engine.FeedPosition() == rev+1 }, patience, time.Millisecond)
	proxy.refuse(true)
	proxy.cut()

	recent := startWatch(t.Context(), t, reader, rev)
	requireRevisions(t, recent, rev+1, rev+1)
	engine.ForgetRecent()
	old := startWatch(t.Context(), t, reader, rev)
	ahead := startWatch(t.Context(), t, reader, rev+2)
	no := false
	for name, change := range map[string]func(*storage.ListOptions){
		"everything, then changes": func(opts *storage.ListOptions) { opts.ResourceVersion = "" },
		"any, then changes":        func(opts *storage.ListOptions) { opts.ResourceVersion = "0" },
		"WatchList":                withInitialEvents,
		"changes from now on":      func(opts *storage.ListOptions) { opts.ResourceVersion, opts.SendInitialEvents = "", &no },
	} {
		opts := storage.ListOptions{Recursive: true, Predicate: everything()}
		change(&opts)
		_, err := reader.Watch(t.Context(), "/pods/", opts)
		require.True(t, isRefused(err), "%s: %v", name, err)
		_, ok := apierrors.SuggestsClientDelay(err)
		require.True(t, ok, name)
	}
	for range 2 {
		_, err := update(t.Context(), writer, "a", increment)
		require.NoError(t, err)
	}
	proxy.refuse(false)
	requireRevisions(t, recent, rev+2, rev+3)
	requireRevisions(t, old, rev+1, rev+3)
	requireRevisions(t, ahead, rev+3, rev+3)
}

// A watch whose request is over when it starts is empty: nobody is told anything.
func TestWatchOfACancelledRequestIsEmpty(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	create(t, store, newPod("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, rev := range []int64{0, 1} {
		w := startWatch(ctx, t, store, rev)
		_, open := <-w.ResultChan()
		require.False(t, open)
	}
}

// However much happens elsewhere, and is forgotten, a watch of a quiet namespace goes
// on.
func TestIdleWatchNeverFallsOutOfHistory(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	quiet, err := store.Watch(t.Context(), "/pods/quiet/", storage.ListOptions{
		Recursive: true, Predicate: everything(), ResourceVersion: fmt.Sprint(c.newest(t)),
	})
	require.NoError(t, err)
	t.Cleanup(quiet.Stop)
	for round := range 3 {
		for range 5 {
			_, err := update(t.Context(), store, "a", increment)
			require.NoError(t, err)
		}
		end := c.newest(t)
		require.NoError(t, engine.Compact(t.Context(), end))
		require.Eventually(t, func() bool { return store.CompactRevision() == end && engine.FeedPosition() == end+1 }, patience, time.Millisecond)
		c.exec(t, "DELETE FROM events WHERE rv <= $1", end)
		engine.ForgetRecent()
		name := fmt.Sprint(round)
		pod := newPod(name)
		pod.Namespace = "quiet"
		require.NoError(t, store.Create(t.Context(), "/pods/quiet/"+name, pod, nil, 0))
		ev := nextEvent(t, quiet)
		require.Equal(t, watch.Added, ev.Type)
		require.Equal(t, c.newest(t), eventRevision(t, ev))
	}
}

// A reader who sleeps holds nobody up. What it misses in memory it gets from the table,
// and 410 when that has been forgotten, too.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	rev := c.newest(t)
	slow, sleeping, fast := startWatch(t.Context(), t, store, rev), startWatch(t.Context(), t, store, rev), startWatch(t.Context(), t, store, rev)
	const changes = 600
	for i := range changes {
		_, err := update(t.Context(), store, "a", increment)
		require.NoError(t, err)
		requireRevisions(t, fast, rev+1+int64(i), rev+1+int64(i))
		if i == changes/2 {
			engine.ForgetRecent()
		}
	}
	requireRevisions(t, slow, rev+1, rev+changes)
	engine.ForgetRecent()
	require.NoError(t, engine.Compact(t.Context(), rev+changes))
	require.Eventually(t, func() bool { return store.CompactRevision() == rev+changes }, patience, time.Millisecond)
	for {
		ev := nextEvent(t, sleeping)
		if ev.Type == watch.Error {
			status, ok := ev.Object.(*metav1.Status)
			require.True(t, ok)
			require.EqualValues(t, 410, status.Code)
			break
		}
	}
	_, open := <-sleeping.ResultChan()
	require.False(t, open)
	_, err := update(t.Context(), store, "a", increment)
	require.NoError(t, err)
	requireRevisions(t, fast, rev+changes+2, rev+changes+2)
}

// A watch may start ahead of what this process has read, because another told the
// revision: its bookmarks come, too.
func TestBookmarksOfAWatchThatStartsAhead(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, writer := c.open(t)
	proxy, _, reader := c.behindProxy(t)
	reader.BookmarkInterval = time.Millisecond
	create(t, writer, newPod("a"))
	proxy.refuse(true)
	proxy.cut()
	_, err := update(t.Context(), writer, "a", increment)
	require.NoError(t, err)
	ahead := c.newest(t)
	w, err := reader.Watch(t.Context(), "/pods/quiet/", storage.ListOptions{
		Recursive: true, ResourceVersion: fmt.Sprint(ahead),
		Predicate: storage.SelectionPredicate{Label: labels.Everything(), Field: fields.Everything(), AllowWatchBookmarks: true},
	})
	require.NoError(t, err)
	t.Cleanup(w.Stop)
	proxy.refuse(false)
	ev := nextEvent(t, w)
	require.Equal(t, watch.Bookmark, ev.Type)
	require.Equal(t, ahead, eventRevision(t, ev))
}
