// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"

	"kite.dev/kite/pkg/storage/postgres"
)

const addHostname = "ALTER TABLE pod_fields ADD COLUMN hostname text NOT NULL DEFAULT ''"

// TestMendAfterAnOlderServer: what a server wrote that knew less is made complete, and
// nothing else is touched.
func TestMendAfterAnOlderServer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+";"+podJournalSQL+";"+addHostname)
	_, older := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = podProjection() })
	const pods = 450 // more than two steps
	for i := range pods {
		pod := newPod(fmt.Sprintf("p%03d", i))
		pod.Spec.Hostname, pod.Status.Reason = "h", "why"
		create(t, older, pod)
	}
	projection := laterProjection()
	projection.Journal = podJournal()
	engine, later := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = projection }) // mends by itself, too, but not yet
	create(t, later, newPod("own"))
	before := c.newest(t)
	unlike := func() int {
		return queryOne[int](t, c, "SELECT count(*) FROM pod_fields WHERE key <> $1 AND (hostname <> 'h' OR shape <> 1)", key("own"))
	}
	require.Equal(t, pods, unlike())
	version := queryOne[string](t, c, "SELECT ctid::text || xmin FROM pod_fields WHERE key = $1", key("own"))
	require.NoError(t, engine.MendNow(t.Context()))
	require.Zero(t, unlike())
	require.Equal(t, pods, queryOne[int](t, c, "SELECT count(*) FROM pod_journal"))
	require.Equal(t, before, c.newest(t), "no object was written")
	require.Equal(t, version, queryOne[string](t, c, "SELECT ctid::text || xmin FROM pod_fields WHERE key = $1", key("own")))
	require.Empty(t, c.trace.all())
}

// TestMendWhatWasNotKnown: an entry that lacked something is completed when that is known.
func TestMendWhatWasNotKnown(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+";"+podJournalSQL+";"+addHostname)
	var known atomic.Pointer[string]
	projection := laterProjection()
	projection.Journal = podJournal()
	said := projection.Journal.Entry
	projection.Journal.Entry = func(obj runtime.Object) ([]string, bool) {
		entry, _ := said(obj)
		if origin := known.Load(); origin != nil && entry != nil {
			entry[2] = *origin
		}
		return entry, entry == nil || known.Load() != nil
	}
	engine, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = projection })
	pod := newPod("a")
	pod.Status.Reason = "why"
	create(t, store, pod)
	require.NoError(t, engine.MendNow(t.Context()))
	entries, _ := journalOf(t, c)
	require.Equal(t, []string{"a 0 from : "}, entries)
	known.Store(new("origin"))
	require.NoError(t, engine.MendNow(t.Context()))
	entries, _ = journalOf(t, c)
	require.Equal(t, []string{"a 0 from origin: "}, entries)
}

// TestMendLosesNoRace: what was read is written only while it is the newest.
func TestMendLosesNoRace(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+";"+addHostname)
	_, older := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = podProjection() })
	_, later := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = laterProjection() })
	create(t, older, newPod("a"))
	projection := laterProjection()
	hostname := projection.Columns[len(projection.Columns)-1].Value
	projection.Columns[len(projection.Columns)-1].Value = func(obj runtime.Object) string {
		_, err := update(t.Context(), later, "a", func(pod *example.Pod) { pod.Spec.Hostname = "newer" })
		require.NoError(t, err)
		return hostname(obj)
	}
	engine, _ := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = projection })
	require.NoError(t, engine.MendNow(t.Context()))
	require.Equal(t, "newer", queryOne[string](t, c, "SELECT hostname FROM pod_fields"))
}

// TestRecount: counts that servers have spoiled which do not count become right again.
func TestRecount(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t, withRoom(2))
	for _, name := range []string{"a", "b"} {
		create(t, store, claims(name, name))
	}
	for name, spoil := range map[string]string{
		"missing": "DELETE FROM claim_counts",
		"too low": "UPDATE claim_counts SET held = -1",
		"unknown": "INSERT INTO claim_counts VALUES ('/pods/gone', 3)",
		"empty":   "INSERT INTO claim_counts VALUES ('/pods/empty', 0)",
	} {
		c.exec(t, spoil)
		require.NoError(t, engine.RecountNow(t.Context()))
		require.Zero(t, queryOne[int](t, c, wrongCounts, 2), name)
		require.Equal(t, 1, queryOne[int](t, c, "SELECT count(*) FROM claim_counts"), name)
	}
	requireFull(t, store.Create(t.Context(), key("c"), claims("c", "c"), nil, 0), 2)
}
