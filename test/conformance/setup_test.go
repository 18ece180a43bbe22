// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance runs the tests by which Kubernetes checks its own storage,
// k8s.io/apiserver/pkg/storage/testing, against pkg/storage/postgres: raw, and below
// the watch cache.
package conformance

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apimachinery/pkg/api/apitesting"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

const transformerPrefix = "test!"

var (
	scheme   = runtime.NewScheme()
	codecs   = serializer.NewCodecFactory(scheme)
	podCodec = apitesting.TestCodec(codecs, examplev1.SchemeGroupVersion)
	pods     = schema.GroupResource{Resource: "pods"}
)

func init() {
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
}

func newPod() runtime.Object     { return &example.Pod{} }
func newPodList() runtime.Object { return &example.PodList{} }

// env is one test's schema, engine and store.
type env struct {
	*postgres.Store
	engine *postgres.Engine
	conn   *pgx.Conn
	codec  runtime.Codec
	// swap is the store's transformer; tests put others into it.
	swap *swapTransformer
	// prefix is the transformer in it at the start, which counts reads.
	prefix *storagetesting.PrefixTransformer
	pages  *pageCounter
}

type option func(*env, *postgres.StoreConfig)

func withCodec(codec runtime.Codec) option {
	return func(e *env, cfg *postgres.StoreConfig) { e.codec, cfg.Codec = codec, codec }
}

func withTransformer(t value.Transformer) option {
	return func(_ *env, cfg *postgres.StoreConfig) { cfg.Transformer = t }
}

// withoutCache makes the store that of a resource which no watch cache serves, as Issue.
// Upstream waits 3 s for a bookmark, and for a silence of 150 ms when nothing is to come.
func withoutCache(_ *env, cfg *postgres.StoreConfig) {
	cfg.BookmarkInterval, cfg.GetAttrs = 200*time.Millisecond, podAttrs
}

// setup makes an empty store, whose revision is 1. Idle watches are told of progress soon.
func setup(t testing.TB, options ...option) *env {
	t.Helper()
	return setupWithProgress(t, 200*time.Millisecond, options...)
}

func setupWithProgress(t testing.TB, interval time.Duration, options ...option) *env {
	t.Helper()
	cfg := pgtest.Config(t)
	cfg.StatsTTL = time.Nanosecond
	cfg.ProgressInterval = interval
	pages := &pageCounter{lists: storagetesting.NewKubernetesRecorder(noEtcd{})}
	cfg.Tracer = pages
	conn, err := pgx.Connect(t.Context(), cfg.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(t.Context(), "SET search_path TO "+pgx.Identifier{cfg.Schema}.Sanitize())
	require.NoError(t, err)

	e := &env{
		engine: pgtest.Open(t, cfg), conn: conn, codec: podCodec, pages: pages,
		prefix: storagetesting.NewPrefixTransformer([]byte(transformerPrefix), false),
	}
	e.swap = newSwapTransformer(e.prefix)
	storeCfg := postgres.StoreConfig{
		GroupResource: pods, Prefix: "/pods/", Codec: e.codec, Transformer: e.swap,
		NewFunc: newPod, NewListFunc: newPodList,
	}
	for _, o := range options {
		o(e, &storeCfg)
	}
	e.Store, err = postgres.NewStore(e.engine, storeCfg)
	require.NoError(t, err)
	return e
}

// checkStored looks at the row itself: what is stored has no revision and no link.
func (e *env) checkStored(ctx context.Context, t *testing.T, key string) {
	t.Helper()
	var stored []byte
	require.NoError(t, e.conn.QueryRow(ctx, "SELECT value FROM objects WHERE key = $1", key).Scan(&stored))
	obj, err := runtime.Decode(e.codec, stored[len(transformerPrefix):])
	require.NoError(t, err)
	pod, ok := obj.(*example.Pod)
	require.True(t, ok)
	require.Empty(t, pod.ResourceVersion)
	require.Empty(t, pod.SelfLink) //nolint:staticcheck // upstream's own check of what is stored
}

// increaseRV writes something that is not a pod.
func (e *env) increaseRV(ctx context.Context, t *testing.T) int64 {
	t.Helper()
	other, err := postgres.NewStore(e.engine, postgres.StoreConfig{
		Prefix: "/increaseRV/", Codec: podCodec, Transformer: newSwapTransformer(storagetesting.NewPrefixTransformer(nil, false)),
		NewFunc: newPod, NewListFunc: newPodList,
	})
	require.NoError(t, err)
	out := &example.Pod{}
	err = other.GuaranteedUpdate(ctx, "/increaseRV/key", out, true, nil,
		func(input runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			pod, ok := input.(*example.Pod)
			require.True(t, ok)
			pod.Name, pod.GenerateName = "key", pod.GenerateName+"x"
			return pod, nil, nil
		}, nil)
	require.NoError(t, err)
	rv, err := storage.APIObjectVersioner{}.ParseResourceVersion(out.ResourceVersion)
	require.NoError(t, err)
	return int64(rv)
}

// compact forgets history, and waits until the process has noticed.
func (e *env) compact(ctx context.Context, t *testing.T, resourceVersion string) {
	t.Helper()
	rv, err := storage.APIObjectVersioner{}.ParseResourceVersion(resourceVersion)
	require.NoError(t, err)
	require.NoError(t, e.engine.Compact(ctx, int64(rv)))
	require.Eventually(t, func() bool { return e.CompactRevision() == int64(rv) }, 10*time.Second, time.Millisecond)
}

// checkCalls holds a list to what etcd3 would do: as many objects read, and as few
// pages, because pages that selectors leave short are doubled.
func (e *env) checkCalls(t *testing.T, pageSize, estimatedProcessedObjects uint64) {
	t.Helper()
	require.Equal(t, estimatedProcessedObjects, e.prefix.GetReadsAndReset(), "objects read")
	calls := uint64(1)
	if pageSize != 0 {
		limit := pageSize
		for sum := uint64(1); sum < estimatedProcessedObjects; calls++ {
			limit = min(2*limit, 10_000)
			sum += limit
		}
	}
	require.Equal(t, calls, e.pages.reset(), "pages read")
}

// pageCounter sees the statements that read pages of lists, counts them, and tells
// upstream's recorder of them in etcd's terms.
type pageCounter struct {
	n     atomic.Uint64
	lists *storagetesting.KubernetesRecorder
}

func (c *pageCounter) reset() uint64 { return c.n.Swap(0) }

func (c *pageCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !strings.Contains(data.SQL, " AS total") { // list.sql and list_exact.sql
		return ctx
	}
	c.n.Add(1)
	from, _ := data.Args[0].(string)
	limit, _ := data.Args[2].(int64)
	list := kubernetes.ListOptions{Limit: limit - 1}
	if list.Limit == 10_000 {
		list.Limit = 0 // the page size of a list without a limit
	}
	if len(data.Args) > 7 {
		list.Revision, _ = data.Args[7].(int64)
	}
	if after, ok := strings.CutSuffix(from, "\x01"); ok {
		from = after + "\x00"
	}
	_, _ = c.lists.List(ctx, "/registry"+from, list)
	return ctx
}

// noEtcd is behind the recorder, which wants to pass requests on.
type noEtcd struct{ kubernetes.Interface }

func (noEtcd) List(context.Context, string, kubernetes.ListOptions) (kubernetes.ListResponse, error) {
	return kubernetes.ListResponse{}, nil
}

func (c *pageCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// swapTransformer lets a test change the transformer while watches run.
type swapTransformer struct {
	current atomic.Pointer[value.Transformer]
}

func newSwapTransformer(t value.Transformer) *swapTransformer {
	s := &swapTransformer{}
	s.current.Store(&t)
	return s
}

func (s *swapTransformer) swap(t value.Transformer) (restore func()) {
	before := s.current.Swap(&t)
	return func() { s.current.Store(before) }
}

func (s *swapTransformer) TransformFromStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, bool, error) {
	return (*s.current.Load()).TransformFromStorage(ctx, data, dataCtx)
}

func (s *swapTransformer) TransformToStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, error) {
	return (*s.current.Load()).TransformToStorage(ctx, data, dataCtx)
}

// UpdatePrefixTransformer implements storagetesting.InterfaceWithPrefixTransformer.
func (e *env) UpdatePrefixTransformer(modify storagetesting.PrefixTransformerModifier) func() {
	changed := *e.prefix
	return e.swap.swap(modify(&changed))
}

// UpdateTransformer implements storagetesting.InterfaceWithTransformerOverride.
func (e *env) UpdateTransformer(modify storagetesting.TransformerModifier) func() {
	return e.swap.swap(modify(*e.swap.current.Load()))
}
