// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

var (
	scheme   = runtime.NewScheme()
	podCodec = postgres.NewCodec(scheme, examplev1.SchemeGroupVersion)
)

func init() { //nolint:gochecknoinits // a scheme is filled before it is used
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
}

// claimAnnotation holds what a test's pod claims.
const claimAnnotation = "claim"

// claimHeldError is what a refused claim becomes in these tests.
type claimHeldError struct{ holder string }

func (e *claimHeldError) Error() string { return "the claim is held by " + e.holder }

// cluster is a test's schema, with a session that looks at it from outside.
type cluster struct {
	cfg   postgres.Config
	conn  *pgx.Conn
	trace *trace
}

func newCluster(t testing.TB, change ...func(*postgres.Config)) *cluster {
	t.Helper()
	cfg := pgtest.Config(t)
	cfg.MaxConnections = 4
	trace := newTrace()
	cfg.Tracer = trace
	for _, f := range change {
		f(&cfg)
	}
	return &cluster{cfg: cfg, conn: connect(t, cfg), trace: trace}
}

// connect opens a session of its own on the schema, as the engine's ones but for its name.
func connect(t testing.TB, cfg postgres.Config) *pgx.Conn {
	t.Helper()
	connCfg, err := pgx.ParseConfig(cfg.DSN)
	require.NoError(t, err)
	connCfg.RuntimeParams["search_path"] = cfg.Schema
	connCfg.RuntimeParams["application_name"] = "test of " + cfg.Schema
	conn, err := pgx.ConnectConfig(t.Context(), connCfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (c *cluster) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := c.conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func queryOne[T any](t testing.TB, c *cluster, sql string, args ...any) T {
	t.Helper()
	var result T
	require.NoError(t, c.conn.QueryRow(t.Context(), sql, args...).Scan(&result))
	return result
}

func (c *cluster) newest(t testing.TB) int64 {
	t.Helper()
	return queryOne[int64](t, c, "SELECT max(rv) FROM events")
}

// open starts an engine and a store of pods on it, and waits for the engine's feed. What
// happened before its start would be read from the table, by each watch for itself.
func (c *cluster) open(t testing.TB, change ...func(*postgres.StoreConfig)) (*postgres.Engine, *postgres.Store) {
	t.Helper()
	storeCfg := podStore()
	for _, f := range change {
		f(&storeCfg)
	}
	var projections []*postgres.Projection
	if storeCfg.Projection != nil {
		projections = append(projections, storeCfg.Projection)
	}
	engine := pgtest.Open(t, c.cfg, projections...)
	store, err := postgres.NewStore(engine, storeCfg)
	require.NoError(t, err)
	c.awaitFeed(t, engine)
	return engine, store
}

// awaitFeed waits until an engine's feed has read everything.
func (c *cluster) awaitFeed(t testing.TB, engine *postgres.Engine) {
	t.Helper()
	newest := c.newest(t)
	require.Eventually(t, func() bool { return engine.FeedPosition() >= newest }, patience, time.Millisecond)
}

func podStore() postgres.StoreConfig {
	return postgres.StoreConfig{
		GroupResource: schema.GroupResource{Resource: "pods"},
		Prefix:        "/pods/",
		Codec:         podCodec,
		Transformer:   identity.NewEncryptCheckTransformer(),
		NewFunc:       func() runtime.Object { return &example.Pod{} },
		NewListFunc:   func() runtime.Object { return &example.PodList{} },
		Claim: func(obj runtime.Object) []byte {
			if claim := obj.(*example.Pod).Annotations[claimAnnotation]; claim != "" {
				return []byte(claim)
			}
			return nil
		},
		ClaimRefused: func(_ runtime.Object, holder string) error { return &claimHeldError{holder: holder} },
	}
}

// writeLock takes the schema's write lock in a session of its own. The function it
// returns gives the lock back.
func (c *cluster) writeLock(t testing.TB, engine *postgres.Engine) (release func()) {
	t.Helper()
	conn := connect(t, c.cfg)
	_, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", engine.WriteLock())
	require.NoError(t, err)
	return func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_advisory_unlock($1)", engine.WriteLock())
		require.NoError(t, err)
	}
}

// occupyWriters holds the write lock and gives each writer one operation to wait with,
// so that everything written until release is one batch, or a few large ones.
func (c *cluster) occupyWriters(t *testing.T, engine *postgres.Engine, store *postgres.Store) (release func()) {
	t.Helper()
	unlock := c.writeLock(t, engine)
	var busy sync.WaitGroup
	for i := range 2 {
		busy.Go(func() {
			err := store.Create(context.Background(), key(fmt.Sprintf("writer-%d", i)), newPod(fmt.Sprintf("writer-%d", i)), nil, 0)
			if err != nil {
				t.Errorf("create the pod that occupies writer %d: %v", i, err)
			}
		})
		require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == i+1 }, patience, time.Millisecond)
	}
	return func() {
		unlock()
		busy.Wait()
	}
}

// killSessions ends every session that the schema's engines have used since the last
// call.
func (c *cluster) killSessions(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
		"WHERE pid = ANY($1) AND application_name = 'kite-apiserver'", c.trace.takePIDs())
	return err
}

func newPod(name string) *example.Pod {
	return &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}}
}

func key(name string) string { return "/pods/ns/" + name }

func revision(t testing.TB, obj interface{ GetResourceVersion() string }) int64 {
	t.Helper()
	rv, err := strconv.ParseInt(obj.GetResourceVersion(), 10, 64)
	require.NoError(t, err)
	return rv
}

func create(t testing.TB, store *postgres.Store, pod *example.Pod) *example.Pod {
	t.Helper()
	out := &example.Pod{}
	require.NoError(t, store.Create(t.Context(), key(pod.Name), pod, out, 0))
	return out
}

func update(ctx context.Context, store *postgres.Store, name string, change func(*example.Pod)) (*example.Pod, error) {
	out := &example.Pod{}
	err := store.GuaranteedUpdate(ctx, key(name), out, false, nil,
		func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			pod := obj.(*example.Pod)
			change(pod)
			return pod, nil, nil
		}, nil)
	return out, err
}

func remove(ctx context.Context, store *postgres.Store, name string) error {
	return store.Delete(ctx, key(name), &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
}

// everything selects all pods; its attributes are a pod's name and node.
func everything() storage.SelectionPredicate {
	return predicate(fields.Everything())
}

func predicate(selector fields.Selector) storage.SelectionPredicate {
	return storage.SelectionPredicate{
		Label: labels.Everything(), Field: selector,
		GetAttrs: func(obj runtime.Object) (labels.Set, fields.Set, error) {
			pod := obj.(*example.Pod)
			return pod.Labels, fields.Set{"metadata.name": pod.Name, "spec.nodeName": pod.Spec.NodeName}, nil
		},
	}
}

// trace sees what the engines of a schema do: their sessions, and the errors that
// PostgreSQL answered, by SQLSTATE.
type trace struct {
	mu     sync.Mutex
	states map[string]int
	pids   map[uint32]struct{}
}

func newTrace() *trace { return &trace{states: map[string]int{}, pids: map[uint32]struct{}{}} }

func (s *trace) session(conn *pgx.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pids[conn.PgConn().PID()] = struct{}{}
}

func (s *trace) takePIDs() []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int32
	for pid := range s.pids {
		pids = append(pids, int32(pid))
	}
	clear(s.pids)
	return pids
}

func (s *trace) failed(err error) {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[pgErr.Code]++
}

// count is how many errors had a SQLSTATE.
func (s *trace) count(code string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[code]
}

func (s *trace) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.session(conn)
	return ctx
}

func (s *trace) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	s.failed(data.Err)
}

func (s *trace) TraceBatchStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	s.session(conn)
	return ctx
}

func (s *trace) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *trace) TraceBatchEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	s.failed(data.Err)
}
