// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package pgtest gives tests a schema of their own on a real PostgreSQL.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/storage/postgres"
)

// EnvDSN names the server to use. Its role must be allowed to create schemas. Without
// it a private server is started, which `hack/cluster/postgres down` ends.
const EnvDSN = "KITE_TEST_POSTGRES_DSN"

// DSN returns the connection string of the server that tests share.
func DSN(t testing.TB) string {
	t.Helper()
	dsn, err := sharedDSN()
	require.NoError(t, err, "start PostgreSQL, or name one in %s", EnvDSN)
	return dsn
}

var sharedDSN = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		return dsn, nil
	}
	_, file, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(file), "..", "..", "hack", "cluster", "postgres")
	out, err := exec.Command(script, "up").Output()
	if err != nil {
		return "", fmt.Errorf("%s up: %w", script, err)
	}
	return strings.TrimSpace(string(out)), nil
})

// Config returns the configuration of a fresh, migrated schema, which is dropped when
// the test ends.
func Config(t testing.TB) postgres.Config {
	t.Helper()
	cfg := EmptyConfig(t)
	_, _, err := postgres.Migrate(t.Context(), cfg)
	require.NoError(t, err)
	return cfg
}

// EmptyConfig is Config for a schema that does not exist yet.
func EmptyConfig(t testing.TB) postgres.Config {
	t.Helper()
	cfg := postgres.Config{
		DSN:            DSN(t),
		Schema:         "t_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
		MaxConnections: 8,
	}
	t.Cleanup(func() { drop(t, cfg) })
	return cfg
}

func drop(t testing.TB, cfg postgres.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, cfg.DSN)
	if err != nil {
		t.Logf("schema %s stays: %v", cfg.Schema, err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{cfg.Schema}.Sanitize()+" CASCADE"); err != nil {
		t.Logf("schema %s stays: %v", cfg.Schema, err)
	}
}

// Open starts an engine on cfg that ends with the test.
func Open(t testing.TB, cfg postgres.Config, projections ...*postgres.Projection) *postgres.Engine {
	t.Helper()
	engine, err := postgres.Open(t.Context(), cfg, projections...)
	require.NoError(t, err)
	t.Cleanup(engine.Close)
	return engine
}
