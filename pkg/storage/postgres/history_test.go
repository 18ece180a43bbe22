// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// age makes the events up to a revision older than the history that is kept.
func age(t *testing.T, c *cluster, upTo int64) {
	t.Helper()
	c.exec(t, "UPDATE events SET at = at - interval '1 hour' WHERE rv <= $1", upTo)
}

func TestTrimForgetsOldHistory(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	for _, name := range []string{"a", "b", "c"} {
		create(t, store, newPod(name))
	}
	paged := storage.ListOptions{Recursive: true, Predicate: everything()}
	paged.Predicate.Limit = 1
	first := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", paged, first))
	_, err := update(t.Context(), store, "b", increment)
	require.NoError(t, err)
	old := c.newest(t)
	_, err = update(t.Context(), store, "c", increment)
	require.NoError(t, err)
	age(t, c, old)

	require.NoError(t, engine.TrimNow(t.Context()))
	require.Equal(t, old, queryOne[int64](t, c, "SELECT compact_rv FROM meta"))
	require.Equal(t, old+1, queryOne[int64](t, c, "SELECT min(rv) FROM events"), "younger history stays")
	require.Equal(t, old+2, c.newest(t), "forgetting is a write")
	require.Eventually(t, func() bool { return store.CompactRevision() == old }, patience, time.Millisecond)

	requireErrorEvent(t, startWatch(t.Context(), t, store, old-1), 410)
	requireRevisions(t, startWatch(t.Context(), t, store, old), old+1, old+1)

	exact := storage.ListOptions{
		Recursive: true, Predicate: everything(),
		ResourceVersion: strconv.FormatInt(old-1, 10), ResourceVersionMatch: metav1.ResourceVersionMatchExact,
	}
	err = store.GetList(t.Context(), "/pods/", exact, &example.PodList{})
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)

	paged.Predicate.Continue = first.Continue
	err = store.GetList(t.Context(), "/pods/", paged, &example.PodList{})
	require.True(t, apierrors.IsResourceExpired(err), "%v", err)
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	paged.Predicate.Continue, paged.Predicate.Limit = status.Status().Continue, 0
	rest := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", paged, rest))
	require.Len(t, rest.Items, 2)
	require.Equal(t, "b", rest.Items[0].Name)
}

// However often history is trimmed, a schema in which nothing happens stays as it is.
func TestTrimOfAnIdleSchemaWritesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	require.NoError(t, engine.TrimNow(t.Context()))
	require.EqualValues(t, 1, c.newest(t), "an empty schema")
	create(t, store, newPod("a"))
	create(t, store, newPod("b"))
	for range 2 { // the newest revision is not trimmed before another follows it: the trim itself
		age(t, c, c.newest(t))
		require.NoError(t, engine.TrimNow(t.Context()))
	}
	settled := c.newest(t)
	for range 5 {
		age(t, c, settled)
		require.NoError(t, engine.TrimNow(t.Context()))
		require.Equal(t, settled, c.newest(t))
	}
	require.Equal(t, settled, queryOne[int64](t, c, "SELECT max(rv) FROM events"), "the newest stays")
	got, err := store.GetCurrentResourceVersion(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, settled, got)
	require.Equal(t, settled+1, revision(t, create(t, store, newPod("c"))))
}

// A jump forgets everything, the revision that it went to excepted, which the counter
// goes on from.
func TestTrimAfterAJumpKeepsTheNewest(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	c.exec(t, "UPDATE meta SET timeline = 'other'")
	require.NoError(t, c.killSessions(t.Context(), c.conn))
	require.Eventually(t, func() bool { return c.newest(t) > 1_000_000 }, patience, time.Millisecond)
	jumped := c.newest(t)
	require.Eventually(t, func() bool { return engine.TrimNow(t.Context()) == nil }, patience, time.Millisecond)
	require.Equal(t, []int64{jumped}, queryOne[[]int64](t, c, "SELECT array_agg(rv) FROM events"))
	require.Eventually(t, func() bool {
		_, err := update(t.Context(), store, "a", increment)
		return err == nil
	}, patience, time.Millisecond)
	require.Equal(t, jumped+1, c.newest(t))
}

// A feed that was away while history was forgotten tells its watches so.
func TestWatchThatLostHistoryGets410(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	c := newCluster(t)
	engine, writer := c.open(t)
	direct := c.cfg
	c.cfg.DSN = proxy.dsn(t, direct.DSN)
	away, reader := c.open(t)
	c.cfg = direct
	create(t, writer, newPod("a"))
	c.awaitFeed(t, away)
	rev := c.newest(t)
	w := startWatch(t.Context(), t, reader, rev)
	proxy.refuse(true)
	proxy.cut()
	for range 3 {
		_, err := update(t.Context(), writer, "a", increment)
		require.NoError(t, err)
	}
	age(t, c, rev+2)
	require.NoError(t, engine.TrimNow(t.Context()))
	proxy.refuse(false)
	requireErrorEvent(t, w, 410)
	end := c.newest(t)
	next := startWatch(t.Context(), t, reader, end)
	_, err := update(t.Context(), writer, "a", increment)
	require.NoError(t, err)
	requireRevisions(t, next, end+1, end+1)
}

func TestGuardLeavesAFreshSchemaAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	_, other := c.open(t)
	for _, s := range []*postgres.Store{store, other} {
		rev, err := s.GetCurrentResourceVersion(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, rev)
	}
	require.True(t, queryOne[bool](t, c, "SELECT system_identifier IS NOT NULL AND timeline IS NOT NULL FROM meta"))
}

func TestGuardJumps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ reason, sql string }{
		"promotion": {"a promoted standby has a new timeline", "UPDATE meta SET timeline = 'other'"},
		"restore":   {"a dump is restored into another cluster", "UPDATE meta SET system_identifier = 1"},
		"lost tail": {"a snapshot of the volume was put back: a promise was already made for the revisions", "DELETE FROM events WHERE rv > (SELECT max(rv) FROM events) - 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			one, storeOne := c.open(t)
			two, storeTwo := c.open(t)
			for _, name := range []string{"a", "b", "c", "d"} {
				create(t, storeOne, newPod(name))
			}
			before := c.newest(t)
			for _, engine := range []*postgres.Engine{one, two} {
				require.Eventually(t, func() bool { return engine.FeedPosition() == before }, patience, time.Millisecond)
			}
			watches := []func(testing.TB, int32){}
			for _, store := range []*postgres.Store{storeOne, storeTwo} {
				w := startWatch(t.Context(), t, store, before)
				watches = append(watches, func(t testing.TB, code int32) { requireErrorEvent(t, w, code) })
			}
			c.exec(t, tc.sql)
			require.NoError(t, c.killSessions(t.Context(), c.conn))
			for _, requireError := range watches {
				requireError(t, 410)
			}
			after := c.newest(t)
			require.GreaterOrEqual(t, after, before+1_000_000, tc.reason)
			require.Less(t, after, int64(1)<<53)
			require.Equal(t, 1, queryOne[int](t, c, "SELECT count(*) FROM events WHERE rv > $1", before), "one process jumps, once")
			for _, store := range []*postgres.Store{storeOne, storeTwo} {
				list := &example.PodList{}
				require.Eventually(t, func() bool {
					list = &example.PodList{}
					return store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, list) == nil
				}, patience, time.Millisecond)
				require.Len(t, list.Items, 4)
				require.Equal(t, after, revision(t, list))
				requireErrorEvent(t, startWatch(t.Context(), t, store, before), 410)
			}
			w := startWatch(t.Context(), t, storeTwo, after)
			create(t, storeOne, newPod("next"))
			requireRevisions(t, w, after+1, after+1)
		})
	}
}

// A managed service may hide which database it is. Then what the process has read
// itself still tells that revisions were lost.
func TestGuardWithoutIdentity(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	hideIdentity(t, c)
	engine, store := c.open(t)
	for _, name := range []string{"a", "b", "c"} {
		create(t, store, newPod(name))
	}
	before := c.newest(t)
	require.Eventually(t, func() bool { return engine.FeedPosition() == before }, patience, time.Millisecond)
	w := startWatch(t.Context(), t, store, before)
	c.exec(t, "DELETE FROM events WHERE rv = $1", before)
	require.NoError(t, c.killSessions(t.Context(), connect(t, c.cfg)))
	requireErrorEvent(t, w, 410)
	require.GreaterOrEqual(t, c.newest(t), before+1_000_000)
}

// hideIdentity takes the right to read which database this is from the engine's role,
// with the SQLSTATE that a managed service answers.
func hideIdentity(t *testing.T, c *cluster) {
	t.Helper()
	if queryOne[bool](t, c, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") {
		t.Skip("rights do not bind the superuser that the DSN names")
	}
	c.exec(t, "REVOKE SELECT ON meta FROM CURRENT_USER")
	c.exec(t, "GRANT SELECT (compact_rv, singleton) ON meta TO CURRENT_USER")
}
