// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	cfg := pgtest.EmptyConfig(t)
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			_, to, err := postgres.Migrate(t.Context(), cfg)
			if err != nil || to != postgres.SchemaVersion() {
				t.Errorf("migrated to %d: %v", to, err)
			}
		})
	}
	work.Wait()
	from, to, err := postgres.Migrate(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, postgres.SchemaVersion(), from)
	require.Equal(t, postgres.SchemaVersion(), to)
	pgtest.Open(t, cfg)
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason, sql, message string
		migrates             bool
	}{
		"none": {"nobody has migrated", "DROP TABLE schema_version, objects, events, meta, issues, incomplete_projections, compatibility, issue_episodes, claim_counts, issue_producers CASCADE", "kite-apiserver migrate", true},
		"older": {
			"this program is newer than its schema", "UPDATE schema_version SET version = 1; DROP TABLE issues, incomplete_projections, compatibility, issue_episodes, claim_counts, issue_producers CASCADE", "kite-apiserver migrate", true,
		},
		"newer": {
			"a migration that this program cannot live with",
			"UPDATE schema_version SET version = 1000; UPDATE compatibility SET oldest = 1000", "run a newer kite-apiserver", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.exec(t, tc.sql)
			_, err := postgres.Open(t.Context(), c.cfg)
			var version *postgres.SchemaVersionError
			require.ErrorAs(t, err, &version, tc.reason)
			require.Contains(t, err.Error(), tc.message)
			require.Contains(t, err.Error(), c.cfg.Schema)
			_, _, err = postgres.Migrate(t.Context(), c.cfg)
			if !tc.migrates {
				require.ErrorAs(t, err, &version)
				return
			}
			require.NoError(t, err)
			pgtest.Open(t, c.cfg)
		})
	}
}

// TestNewerSchema: an addition that a newer server has migrated does not concern this one,
// which goes on, may be started, and leaves the schema as it is.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, running := c.open(t)
	for _, table := range []string{"objects", "events", "meta"} {
		c.exec(t, "ALTER TABLE "+table+" ADD COLUMN later text")
	}
	c.exec(t, "UPDATE schema_version SET version = version + 1")
	require.NoError(t, c.killSessions(t.Context(), c.conn))
	from, to, err := postgres.Migrate(t.Context(), c.cfg)
	require.NoError(t, err)
	require.Equal(t, postgres.SchemaVersion()+1, from)
	require.Equal(t, from, to, "nothing to do")
	_, started := c.open(t)

	create(t, started, newPod("a"))
	require.Eventually(t, func() bool {
		_, err := update(t.Context(), running, "a", onNodeA)
		return err == nil
	}, patience, time.Millisecond, "it connects again")
	require.NoError(t, remove(t.Context(), started, "a"))
}

// Whatever is wrong with a connection string, its password stays secret.
func TestErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-w0rd"
	good, err := pgx.ParseConfig(pgtest.DSN(t))
	require.NoError(t, err)
	for name, dsn := range map[string]string{
		"nobody listens":    "postgres://kite:" + secret + "@127.0.0.1:1/db?sslmode=disable",
		"no such host":      "postgres://kite:" + secret + "@no-such-host.invalid:5432/db",
		"bad port":          "postgres://kite:" + secret + "@host:port/db",
		"bad escape":        "postgres://kite:" + secret + "%zz@host:5432/db",
		"bad sslmode":       "postgres://kite:" + secret + "@host/db?sslmode=perhaps",
		"a slash in it":     "postgres://kite:/" + secret + "@host:5432/db?connect_timeout=x",
		"key and value":     "host=127.0.0.1 port=1 user=kite password=" + secret + " sslmode=disable",
		"bad key and value": "host=127.0.0.1 password='" + secret + " port=1",
		"bad pool size":     "host=127.0.0.1 port=1 password=" + secret + " sslmode=disable pool_max_conns=many",
		"unknown role": fmt.Sprintf("host=%s port=%d user=no_such_role password=%s dbname=no_such_database sslmode=disable",
			good.Host, good.Port, secret),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := postgres.Config{DSN: dsn, Schema: "kite_no_password"}
			var failures []error
			if engine, err := postgres.Open(t.Context(), cfg); err == nil {
				store, err := postgres.NewStore(engine, podStore())
				require.NoError(t, err)
				_, err = store.GetCurrentResourceVersion(t.Context())
				failures = append(failures, err, engine.Ping(t.Context()))
				engine.Close()
			} else {
				failures = append(failures, err)
			}
			_, _, err := postgres.Migrate(t.Context(), cfg)
			failures = append(failures, err, cfg.Validate())
			require.Error(t, errors.Join(failures...))
			require.NotContains(t, errors.Join(failures...).Error(), secret)
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	good := pgtest.DSN(t)
	for name, tc := range map[string]struct {
		reason string
		change func(*postgres.Config)
		want   string
	}{
		"no DSN":         {"there is no default database", func(c *postgres.Config) { c.DSN = "" }, "DSN"},
		"quotes":         {"the schema is an identifier", func(c *postgres.Config) { c.Schema = `a"; DROP` }, "schema"},
		"a long name":    {"PostgreSQL would cut it", func(c *postgres.Config) { c.Schema = strings.Repeat("a", 64) }, "schema"},
		"little history": {"the watch cache needs more", func(c *postgres.Config) { c.History = 1 }, "75s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := postgres.Config{DSN: good}
			require.NoError(t, cfg.Validate())
			tc.change(&cfg)
			require.ErrorContains(t, cfg.Validate(), tc.want, tc.reason)
		})
	}
}

// The longest name that a schema may have still has a channel for hints.
func TestLongestSchemaName(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	long := (c.cfg.Schema + strings.Repeat("x", 63))[:63]
	c.exec(t, "ALTER SCHEMA "+c.cfg.Schema+" RENAME TO "+long+"; SET search_path TO "+long)
	c.cfg.Schema = long
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), c.cfg.DSN)
		require.NoError(t, err)
		_, err = conn.Exec(context.Background(), "DROP SCHEMA "+long+" CASCADE")
		require.NoError(t, err)
		require.NoError(t, conn.Close(context.Background()))
	})
	_, store := c.open(t)
	create(t, store, newPod("a"))
	require.Zero(t, c.trace.count("22023"), "the name of the channel is too long")
}
