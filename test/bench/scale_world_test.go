// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// envKeep names a schema for the larger population that stays when the benchmark ends,
// and that the next one finds filled.
const envKeep = "KITE_BENCH_KEEP_SCHEMA"

const (
	// fillers write a population at once.
	fillers = 64
	// keptEvents are the history of ten minutes with 17 writes a second.
	keptEvents = 10_000
)

// world is a population in a schema of its own.
type world struct {
	workload.Population
	pg postgres.Config
}

// newWorld fills a schema that is dropped when the benchmark ends.
func newWorld(b *testing.B, namespaces int) *world {
	b.Helper()
	w := &world{workload.Population{Namespaces: namespaces, Now: time.Now()}, pgtest.Config(b)}
	w.fill(b)
	return w
}

// keptWorld is newWorld in the schema that envKeep names. It takes it as it finds it if
// that has the right number of issues.
func keptWorld(b *testing.B, namespaces int) *world {
	b.Helper()
	name := os.Getenv(envKeep)
	if name == "" {
		return newWorld(b, namespaces)
	}
	w := &world{
		workload.Population{Namespaces: namespaces, Now: time.Now()},
		postgres.Config{DSN: pgtest.DSN(b), Schema: name, MaxConnections: 8},
	}
	_, _, err := postgres.Migrate(b.Context(), w.pg)
	require.NoError(b, err)
	found := 0
	w.sql(b, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT count(*) FROM issues").Scan(&found)
	})
	if found == 0 {
		w.fill(b)
		return w
	}
	require.Equal(b, w.Size(), found, "schema %s holds another population: drop it", name)
	return w
}

// fill writes the population through storage, forgets most history of that as every server
// does ten minutes later, and vacuums as autovacuum does.
func (w *world) fill(b *testing.B) {
	b.Helper()
	kind := w.Kind()
	engine, err := postgres.Open(b.Context(), w.pg, kind.Projections...)
	require.NoError(b, err)
	defer engine.Close()
	store, err := postgres.NewStore(engine, kind.Store)
	require.NoError(b, err)
	filled := drive(b, fillers, w.Size(), func(ctx context.Context, i int) error {
		key, obj := kind.Make(i)
		return store.Create(ctx, key, obj, nil, 0)
	})
	newest, err := store.GetCurrentResourceVersion(b.Context())
	require.NoError(b, err)
	if oldest := int64(newest) - keptEvents; oldest > 0 {
		require.NoError(b, engine.Compact(b.Context(), oldest))
	}
	w.sql(b, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DELETE FROM events WHERE rv <= (SELECT compact_rv FROM meta)")
		return err
	})
	w.sql(b, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "VACUUM ANALYZE objects, events, issues, issue_episodes, claim_counts, meta")
		return err
	})
	b.Logf("filled %d issues into schema %s in %s", w.Size(), w.pg.Schema, filled.elapsed.Round(time.Second))
}

func (w *world) sql(b *testing.B, run func(context.Context, *pgx.Conn) error) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), w.pg.DSN)
	require.NoError(b, err)
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	_, err = conn.Exec(b.Context(), "SET search_path = "+pgx.Identifier{w.pg.Schema}.Sanitize())
	require.NoError(b, err)
	require.NoError(b, run(b.Context(), conn))
}

// serve runs a kite-apiserver on the schema, with the memory that the Deployment gives it.
// It asks its host but once who may do what, so that this is no part of what is measured,
// and keeps Resolved issues, so that a kept schema stays as it is.
func (w *world) serve(b *testing.B) rest.Interface {
	b.Helper()
	cfg, _ := w.start(b)
	return newPeer(b, "", cfg, v1alpha1.SchemeGroupVersion, "", "").client
}

func (w *world) start(b *testing.B) (*rest.Config, process) {
	b.Helper()
	var namespaces []corev1.Namespace
	for n := range w.Namespaces {
		name := w.Namespace(n)
		namespaces = append(namespaces, newNamespace(name, workload.NamespaceUID(name)))
	}
	server := kite(w.pg)
	server.environment = append(server.environment, deployed...)
	server.args = append(server.args, "--resolved-retention=0", "--authorization-webhook-cache-authorized-ttl=1h")
	return startBesideStub(b, server, startHost(b, namespaces...))
}
