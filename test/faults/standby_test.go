// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// backup copies a running server's data to a folder of its own, whole in itself.
func (s *postgresServer) backup(t testing.TB, options ...string) *postgresServer {
	t.Helper()
	b := emptyFolder(t)
	args := []string{"-D", b.data(), "-h", s.dir, "-p", "5432", "-U", "postgres", "-X", "stream", "--checkpoint=fast", "--no-sync"}
	require.NoError(t, s.run("pg_basebackup", append(args, options...)...))
	return b
}

// standby starts a server that follows this one, and waits until it does.
func (s *postgresServer) standby(t testing.TB) *postgresServer {
	t.Helper()
	b := s.backup(t, "-R")
	b.start(t)
	s.await(t, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
	return b
}

// requireSync makes every commit wait until the standby has it.
func (s *postgresServer) requireSync(t testing.TB) {
	t.Helper()
	s.exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.exec(t, "postgres", "SELECT pg_reload_conf()")
	s.await(t, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
}

// detach makes a standby follow nobody any more.
func (s *postgresServer) detach(t testing.TB) {
	t.Helper()
	s.exec(t, "postgres", "ALTER SYSTEM SET primary_conninfo = ''")
	s.exec(t, "postgres", "SELECT pg_reload_conf()")
	s.await(t, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")
}

func (s *postgresServer) promote(t testing.TB) {
	t.Helper()
	s.exec(t, "postgres", "SELECT pg_promote()")
}

// await waits until a question is answered with true.
func (s *postgresServer) await(t testing.TB, sql string, args ...any) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer, err := queryOne[bool](s, "postgres", "kite", sql, args...)
		return err == nil && answer
	}, patience, 5*time.Millisecond, sql)
}

func queryOne[T any](s *postgresServer, role, database, sql string, args ...any) (answer T, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.dsn(role, database))
	if err != nil {
		return answer, err
	}
	defer func() { _ = conn.Close(ctx) }()
	return answer, conn.QueryRow(ctx, sql, args...).Scan(&answer)
}
