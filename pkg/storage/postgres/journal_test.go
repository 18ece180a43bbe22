// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"

	"kite.dev/kite/pkg/storage/postgres"
)

// podJournalSQL makes the table of podJournal in a test's schema.
const podJournalSQL = `CREATE TABLE pod_journal (
	name text NOT NULL, number int NOT NULL, origin text NOT NULL, message text NOT NULL, at timestamptz,
	PRIMARY KEY (name, number))`

// podJournal says of a pod that has a reason what its message is. Its generation numbers
// what it says; its origin is the pod's node.
func podJournal() *postgres.Journal {
	entry := func(pod *example.Pod, at string) []string {
		return []string{pod.Name, strconv.FormatInt(pod.Generation, 10), pod.Spec.NodeName, pod.Status.Message, at}
	}
	return &postgres.Journal{
		Table: "pod_journal",
		Columns: []postgres.JournalColumn{
			{Name: "name", MaxBytes: 63, Keeps: postgres.IsKey},
			{Name: "number", Type: postgres.Int, Keeps: postgres.IsKey},
			{Name: "origin", MaxBytes: 63, Keeps: postgres.KeepsFirst},
			{Name: "message", MaxBytes: 63},
			{Name: "at", Type: postgres.Instant},
		},
		Entry: func(obj runtime.Object) ([]string, bool) {
			pod := obj.(*example.Pod)
			if pod.Status.Reason == "" {
				return nil, true
			}
			return entry(pod, ""), true
		},
		Removed: func(obj runtime.Object, at time.Time) []string {
			return entry(obj.(*example.Pod), at.Format(time.RFC3339Nano))
		},
	}
}

func openJournal(t *testing.T) (*cluster, *postgres.Store) {
	t.Helper()
	c := newCluster(t)
	c.exec(t, podTableSQL+";"+podJournalSQL)
	projection := podProjection()
	projection.Journal = podJournal()
	_, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = projection })
	return c, store
}

// journalOf is what the journal says, in order; versions tells whether it was written again.
func journalOf(t *testing.T, c *cluster) (entries []string, versions string) {
	t.Helper()
	entries = queryOne[[]string](t, c, `SELECT coalesce(array_agg(format('%s %s from %s: %s', name, number, origin, message)
		ORDER BY name, number), '{}') FROM pod_journal`)
	return entries, queryOne[string](t, c, "SELECT coalesce(string_agg(ctid::text || xmin, ' '), '') FROM pod_journal")
}

func TestJournal(t *testing.T) {
	t.Parallel()
	c, store := openJournal(t)
	says := func(reason, message string) func(*example.Pod) {
		return func(pod *example.Pod) { pod.Status.Reason, pod.Status.Message = reason, message }
	}
	change := func(f func(*example.Pod)) {
		t.Helper()
		_, err := update(t.Context(), store, "a", f)
		require.NoError(t, err)
	}
	require.NoError(t, store.Create(t.Context(), key("a"), newPod("a"), nil, 0))
	entries, _ := journalOf(t, c)
	require.Empty(t, entries)

	change(says("why", "first\x00"))
	entries, version := journalOf(t, c)
	require.Equal(t, []string{"a 0 from : first"}, entries)
	change(func(pod *example.Pod) { pod.Status.Reason = "because" })
	_, again := journalOf(t, c)
	require.Equal(t, version, again, "what it says is the same")

	change(func(pod *example.Pod) { pod.Spec.NodeName, pod.Status.Message = "n", "second" })
	change(func(pod *example.Pod) { pod.Spec.NodeName, pod.Status.Message = "m", "third" })
	entries, _ = journalOf(t, c)
	require.Equal(t, []string{"a 0 from n: third"}, entries, "the first origin that was known stays")
	change(says("", ""))
	change(func(pod *example.Pod) { pod.Generation, pod.Status.Reason = 1, "again" })
	entries, _ = journalOf(t, c)
	require.Equal(t, []string{"a 0 from n: third", "a 1 from m: "}, entries, "it says another thing")

	require.NoError(t, remove(t.Context(), store, "a"))
	require.Equal(t, 1, queryOne[int](t, c, "SELECT count(*) FROM pod_journal WHERE at IS NOT NULL"))
	require.Error(t, remove(t.Context(), store, "a"))
	require.Empty(t, c.trace.all())
}

// TestJournalOfRefusedWrites: what did not happen is not said, whatever else the batch did.
func TestJournalOfRefusedWrites(t *testing.T) {
	t.Parallel()
	c, store := openJournal(t)
	pod := claims("a", "x")
	pod.Status.Reason = "why"
	create(t, store, pod)
	other := claims("b", "x")
	other.Status.Reason = "why"
	require.Error(t, store.Create(t.Context(), key("b"), other, nil, 0))
	require.Error(t, store.Create(t.Context(), key("a"), pod, nil, 0))
	entries, _ := journalOf(t, c)
	require.Equal(t, []string{"a 0 from : "}, entries)
}

// TestJournalOfEncryptedObjects: the journal tells nothing of what is encrypted, and goes
// on with what is stored in the clear again.
func TestJournalOfEncryptedObjects(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+";"+podJournalSQL)
	transformer := &switched{}
	transformer.set(providers(t, "key", "identity"))
	projection := podProjection()
	projection.Journal = podJournal()
	_, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection, cfg.Transformer = projection, transformer })
	said := func() []string { entries, _ := journalOf(t, c); return entries }
	for _, name := range []string{"kept", "removed"} {
		pod := newPod(name)
		pod.Status.Reason = "secret"
		create(t, store, pod)
	}
	require.NoError(t, remove(t.Context(), store, "removed"))
	require.Empty(t, said())

	transformer.set(providers(t, "identity", "key"))
	rewrite(t, store)
	require.Equal(t, []string{"kept 0 from : "}, said(), "the same object, in the clear")
	transformer.set(providers(t, "key", "identity"))
	rewrite(t, store)
	_, err := update(t.Context(), store, "kept", func(pod *example.Pod) { pod.Generation = 1 })
	require.NoError(t, err)
	require.NoError(t, remove(t.Context(), store, "kept"))
	require.Equal(t, []string{"kept 0 from : "}, said())
	require.Empty(t, c.trace.all())
}
