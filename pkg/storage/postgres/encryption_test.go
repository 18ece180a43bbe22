// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"crypto/aes"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value"
	aestransformer "k8s.io/apiserver/pkg/storage/value/encrypt/aes"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"kite.dev/kite/pkg/storage/postgres"
)

// provider is one entry of an encryption configuration.
func provider(t testing.TB, name string) value.PrefixTransformer {
	t.Helper()
	if name == "identity" {
		return value.PrefixTransformer{Transformer: identity.NewEncryptCheckTransformer()}
	}
	block, err := aes.NewCipher([]byte(fmt.Sprintf("%-16.16s", name)))
	require.NoError(t, err)
	gcm, err := aestransformer.NewGCMTransformer(block)
	require.NoError(t, err)
	return value.PrefixTransformer{Prefix: []byte("k8s:enc:aesgcm:v1:" + name + ":"), Transformer: gcm}
}

// providers writes with the first one and reads with all of them.
func providers(t testing.TB, names ...string) value.Transformer {
	t.Helper()
	var all []value.PrefixTransformer
	for _, name := range names {
		all = append(all, provider(t, name))
	}
	return value.NewPrefixTransformers(errors.New("no provider reads this"), all...)
}

// switched is a transformer that is replaced while it is used, as by a reload.
type switched struct {
	now atomic.Pointer[value.Transformer]
}

func (s *switched) set(to value.Transformer) { s.now.Store(&to) }

func (s *switched) TransformFromStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, bool, error) {
	return (*s.now.Load()).TransformFromStorage(ctx, data, dataCtx)
}

func (s *switched) TransformToStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, error) {
	return (*s.now.Load()).TransformToStorage(ctx, data, dataCtx)
}

// openEncrypting opens a projecting store with a transformer that starts as identity.
func (c *cluster) openEncrypting(t testing.TB) (*postgres.Engine, *postgres.Store, *switched) {
	t.Helper()
	transformer := &switched{}
	transformer.set(providers(t, "identity", "key"))
	engine, store := c.open(t, func(cfg *postgres.StoreConfig) {
		cfg.Projection, cfg.Claim, cfg.Transformer = podProjection(), nil, transformer
	})
	return engine, store, transformer
}

// rewrite writes every pod as it is, which storage does only where the bytes are to change.
func rewrite(t *testing.T, store *postgres.Store) {
	t.Helper()
	list := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, list))
	for i := range list.Items {
		_, err := update(t.Context(), store, list.Items[i].Name, func(*example.Pod) {})
		require.NoError(t, err)
	}
}

func marked(t *testing.T, c *cluster) bool {
	t.Helper()
	return queryOne[bool](t, c, "SELECT EXISTS (SELECT FROM incomplete_projections WHERE name = 'pod_fields')")
}

// onNode lists the pods of a node.
func onNode(t *testing.T, store *postgres.Store, node string) []string {
	t.Helper()
	list := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: storage.SelectionPredicate{
		Label: labels.Everything(), GetAttrs: projectedFields,
		Field: podSelector{{Field: "spec.nodeName", Operator: selection.Equals, Value: node}},
	}}, list))
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

func onNodeA(pod *example.Pod) { pod.Spec.NodeName = "a" }

// TestSelectorsWhileEncryptionChanges compares lists with a model, while replicas take
// up an encryption configuration one by one, and give it up again.
func TestSelectorsWhileEncryptionChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			m := newListModel(t, seed)
			engine, one, first := m.cluster.openEncrypting(t)
			_, two, second := m.cluster.openEncrypting(t)
			m.stores = []*postgres.Store{one, two}
			plain, encrypting := providers(t, "identity", "key"), providers(t, "key", "identity")
			for _, phase := range []struct {
				first, second value.Transformer
				rewritten     bool
				marked        bool
			}{
				{first: plain, second: plain},
				{first: encrypting, second: plain, marked: true},
				{first: encrypting, second: encrypting, marked: true},
				{first: encrypting, second: encrypting, rewritten: true, marked: true},
				{first: plain, second: encrypting, marked: true},
				{first: plain, second: plain, rewritten: true},
				{first: encrypting, second: plain, marked: true},
			} {
				first.set(phase.first)
				second.set(phase.second)
				if phase.rewritten {
					m.rewrite(t)
				}
				for range 40 {
					m.write(t)
					m.list(t)
					require.NoError(t, engine.CompleteNow(t.Context()))
				}
				m.createOnEach(t)
				require.NoError(t, engine.CompleteNow(t.Context()))
				require.Equal(t, phase.marked, marked(t, m.cluster))
			}
		})
	}
}

// rewrite writes every object of the model as it is.
func (m *listModel) rewrite(t *testing.T) {
	t.Helper()
	for name := range m.snapshots[m.revisions[len(m.revisions)-1]] {
		m.writeOn(t, m.store(), name, func(*example.Pod) {})
	}
}

// createOnEach writes one object through each store.
func (m *listModel) createOnEach(t *testing.T) {
	t.Helper()
	for i, store := range m.stores {
		m.writeOn(t, store, fmt.Sprintf("of-%d", i), func(pod *example.Pod) { pod.Status.Message += "x" })
	}
}

func (m *listModel) writeOn(t *testing.T, store *postgres.Store, name string, change func(*example.Pod)) {
	t.Helper()
	after := maps.Clone(m.snapshots[m.revisions[len(m.revisions)-1]])
	old, exists := after[name]
	if !exists {
		after[name] = create(t, store, newPod(name))
		m.record(revision(t, after[name]), after)
		return
	}
	pod, err := update(t.Context(), store, name, change)
	require.NoError(t, err)
	if pod.ResourceVersion == old.ResourceVersion {
		return // it was stored in this form
	}
	after[name] = pod
	m.record(revision(t, pod), after)
}

// A wrong row betrays a list that selects by the projection.
func TestPrefilterIsOffWhileObjectsAreEncrypted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	engine, store, transformer := c.openEncrypting(t)
	for _, name := range []string{"plain", "wrong"} {
		pod := newPod(name)
		onNodeA(pod)
		create(t, store, pod)
	}
	c.exec(t, "UPDATE pod_fields SET node = 'b' WHERE key = $1", key("wrong"))
	require.Equal(t, []string{"plain"}, onNode(t, store, "a"), "plain objects are found by their rows")

	transformer.set(providers(t, "key", "identity"))
	pod := newPod("secret")
	onNodeA(pod)
	create(t, store, pod)
	everyone := []string{"plain", "secret", "wrong"}
	require.Equal(t, everyone, onNode(t, store, "a"), "the page that missed it is read again")
	require.Equal(t, everyone, onNode(t, store, "a"))
	require.NoError(t, engine.CompleteNow(t.Context()))
	require.True(t, marked(t, c), "an object has no row")

	transformer.set(providers(t, "identity", "key"))
	_, err := update(t.Context(), store, "secret", func(*example.Pod) {})
	require.NoError(t, err)
	require.NoError(t, engine.CompleteNow(t.Context()))
	require.False(t, marked(t, c))
	require.Equal(t, everyone, onNode(t, store, "a"), "this list has still to learn of it")
	require.Equal(t, []string{"plain", "secret"}, onNode(t, store, "a"))
}

// The mark stays when an object is encrypted between the look at all objects and the
// write lock.
func TestMarkOutlivesARace(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	engine, store, transformer := c.openEncrypting(t)
	looking, _, _ := c.openEncrypting(t)
	transformer.set(providers(t, "key", "identity"))
	create(t, store, newPod("gone"))
	require.NoError(t, remove(t.Context(), store, "gone"))
	require.True(t, marked(t, c), "nothing is encrypted any more, but nobody has looked")

	release := c.writeLock(t, engine)
	written, looked := make(chan error, 1), make(chan error, 1)
	go func() { written <- store.Create(context.Background(), key("new"), newPod("new"), nil, 0) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	go func() { looked <- looking.CompleteNow(context.Background()) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 2 }, patience, time.Millisecond)
	release()
	require.NoError(t, <-written)
	require.NoError(t, <-looked)
	require.True(t, marked(t, c))

	require.NoError(t, remove(t.Context(), store, "new"))
	require.NoError(t, looking.CompleteNow(t.Context()))
	require.False(t, marked(t, c))
}

// Nor is it removed when the history that would tell is gone.
func TestMarkOutlivesLostHistory(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	engine, store, transformer := c.openEncrypting(t)
	transformer.set(providers(t, "key", "identity"))
	create(t, store, newPod("gone"))
	require.NoError(t, remove(t.Context(), store, "gone"))

	release := c.writeLock(t, engine)
	looked := make(chan error, 1)
	go func() { looked <- engine.CompleteNow(context.Background()) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 }, patience, time.Millisecond)
	c.exec(t, "UPDATE meta SET compact_rv = compact_rv + 1000")
	release()
	require.NoError(t, <-looked)
	require.True(t, marked(t, c))
}

// What is encrypted is nowhere in the clear, once everything was written anew and
// history is trimmed. Keys hold namespace and name on purpose.
func TestNoPlaintextStays(t *testing.T) {
	t.Parallel()
	const secret = "TopSecret"
	c := newCluster(t)
	c.exec(t, podTableSQL)
	engine, store, transformer := c.openEncrypting(t)
	confide := func(pod *example.Pod) {
		pod.Spec.NodeName, pod.Status.Message, pod.Status.Reason = "node-"+secret, "message "+secret, "reason "+secret
		pod.Annotations = map[string]string{"claim": "claim " + secret}
	}
	for _, name := range []string{"a", "b", "c"} {
		pod := newPod(name)
		confide(pod)
		create(t, store, pod)
	}
	found := findText(t, c, secret)
	require.Contains(t, found, "objects")
	require.Contains(t, found, "pod_fields", "the search does find what is there")

	transformer.set(providers(t, "key", "identity"))
	rewrite(t, store)
	require.NoError(t, remove(t.Context(), store, "c"))
	require.Equal(t, []string{"events"}, findText(t, c, secret), "history lasts as long as watches resume")
	for range 2 { // the newest revision is trimmed after the trim itself
		age(t, c, c.newest(t))
		require.NoError(t, engine.TrimNow(t.Context()))
	}
	require.Empty(t, findText(t, c, secret))

	list := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, list))
	require.Len(t, list.Items, 2)
	require.Equal(t, "message "+secret, list.Items[0].Status.Message)
}

// findText is the schema's tables that hold a text in any column, in either case.
func findText(t *testing.T, c *cluster, text string) []string {
	t.Helper()
	rows, err := c.conn.Query(t.Context(), `SELECT table_name, column_name, data_type FROM information_schema.columns
		WHERE table_schema = $1 ORDER BY table_name`, c.cfg.Schema)
	require.NoError(t, err)
	type column struct{ Table, Column, Type string }
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	require.NoError(t, err)
	require.NotEmpty(t, columns)
	var found []string
	for _, col := range columns {
		as := pgx.Identifier{col.Column}.Sanitize() + "::text"
		if col.Type == "bytea" {
			as = "encode(" + pgx.Identifier{col.Column}.Sanitize() + ", 'escape')"
		}
		sql := fmt.Sprintf("SELECT EXISTS (SELECT FROM %s WHERE position(lower($1) in lower(%s)) > 0)", pgx.Identifier{col.Table}.Sanitize(), as)
		if queryOne[bool](t, c, sql, text) && (len(found) == 0 || found[len(found)-1] != col.Table) {
			found = append(found, col.Table)
		}
	}
	return found
}

// Keys are rotated by writing every object again.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	_, store, transformer := c.openEncrypting(t)
	transformer.set(providers(t, "old"))
	created := create(t, store, newPod("a"))
	same, err := update(t.Context(), store, "a", func(*example.Pod) {})
	require.NoError(t, err)
	require.Equal(t, created.ResourceVersion, same.ResourceVersion, "a fresh nonce is no reason to write")

	transformer.set(providers(t, "new", "old"))
	require.Equal(t, created.UID, get(t, store, "a").UID, "the old key still reads")
	rotated, err := update(t.Context(), store, "a", func(*example.Pod) {})
	require.NoError(t, err)
	require.NotEqual(t, created.ResourceVersion, rotated.ResourceVersion)

	transformer.set(providers(t, "new"))
	require.Equal(t, "a", get(t, store, "a").Name)
	transformer.set(providers(t, "old"))
	require.Error(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}))
}

// Who can write to the database cannot pass one object's value off as another's.
func TestValueIsBoundToItsKey(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	_, store, transformer := c.openEncrypting(t)
	transformer.set(providers(t, "key"))
	create(t, store, newPod("a"))
	create(t, store, newPod("b"))
	c.exec(t, "UPDATE objects SET value = (SELECT value FROM objects WHERE key = $1) WHERE key = $2", key("a"), key("b"))
	require.NoError(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}))
	require.Error(t, store.Get(t.Context(), key("b"), storage.GetOptions{}, &example.Pod{}))
}
