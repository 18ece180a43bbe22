// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/utils/clock"
)

// DefaultSchema is the PostgreSQL schema of a cluster that names none.
const DefaultSchema = "kite"

const (
	// connectTimeout bounds one attempt to reach the database.
	connectTimeout = 3 * time.Second
	// acquireTimeout is how long an operation waits for a connection before it
	// answers that the database is unavailable.
	acquireTimeout = 3 * time.Second
	// sessionTimeout bounds a statement, a wait for the write lock, and a session
	// that went silent while it held the lock.
	sessionTimeout = 5 * time.Second
)

// Config says which database an Engine uses, and how. The zero value of every field
// but DSN means its default.
type Config struct {
	// DSN is a PostgreSQL connection string, URL or key=value. It may hold a
	// password: it is never logged and never part of an error.
	DSN string

	// Schema holds the tables, and names the cluster. Several clusters, and tests,
	// share a database under different schemas. Defaults to DefaultSchema.
	Schema string

	// MaxConnections bounds the pool that reads use. The engine opens five more: two
	// writers, two for its change feed, and its LISTEN. Defaults to 16.
	MaxConnections int32

	// History is how long events are kept: the time for which a watch can be
	// resumed and a chunked list continued. At least 75 s, which upstream's watch
	// cache needs. Defaults to 10 min.
	History time.Duration

	// ProgressInterval is how often an idle watch with ProgressNotify is told the
	// current revision. Defaults to 5 s.
	ProgressInterval time.Duration

	// StatsTTL is how long the count and size of a resource are kept. Defaults to 60 s.
	StatsTTL time.Duration

	// Tracer sees every statement. Optional.
	Tracer pgx.QueryTracer

	// Clock is for tests. Defaults to the real one.
	Clock clock.WithTickerAndDelayedExecution
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (c Config) withDefaults() Config {
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 16
	}
	if c.History == 0 {
		c.History = 10 * time.Minute
	}
	if c.ProgressInterval == 0 {
		c.ProgressInterval = 5 * time.Second
	}
	if c.StatsTTL == 0 {
		c.StatsTTL = time.Minute
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	return c
}

// Validate returns what is wrong with the configuration, without its DSN.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.DSN == "" {
		return errors.New("no PostgreSQL DSN is given")
	}
	if !schemaName.MatchString(c.Schema) {
		return fmt.Errorf("schema %q: want a lower-case SQL identifier of at most 63 characters", c.Schema)
	}
	if c.History < 75*time.Second {
		return fmt.Errorf("history %s: want at least 75s", c.History)
	}
	if _, err := pgx.ParseConfig(c.DSN); err != nil {
		return fmt.Errorf("the PostgreSQL DSN cannot be parsed: %w", redact(err))
	}
	return nil
}

// connConfig is the configuration of every connection. The search path makes the
// schema the whole world of the SQL files.
func (c Config) connConfig() (*pgx.ConnConfig, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		return nil, redact(err)
	}
	cfg.ConnectTimeout = connectTimeout
	cfg.Tracer = c.Tracer
	params := cfg.RuntimeParams
	params["application_name"] = "kite-apiserver"
	params["search_path"] = pgx.Identifier{c.Schema}.Sanitize()
	params["default_transaction_isolation"] = "read committed"
	params["timezone"] = "UTC"
	return cfg, nil
}

// writerConfig is connConfig for a session that takes the write lock: it gives up
// rather than block all the others, and notices when its client is gone. The batch
// statement probes a few rows by key in tables of any size, so its plan is fixed.
func (c Config) writerConfig() (*pgx.ConnConfig, error) {
	cfg, err := c.connConfig()
	if err != nil {
		return nil, err
	}
	timeout := fmt.Sprint(sessionTimeout.Milliseconds())
	maps.Copy(cfg.RuntimeParams, map[string]string{
		"lock_timeout":                        timeout,
		"statement_timeout":                   timeout,
		"idle_in_transaction_session_timeout": timeout,
		"client_connection_check_interval":    "1000",
		"plan_cache_mode":                     "force_generic_plan",
		"enable_seqscan":                      "off",
		"enable_hashjoin":                     "off",
		"enable_mergejoin":                    "off",
		"jit":                                 "off",
	})
	return cfg, nil
}

// poolConfig is for reads; prepare runs on every new connection.
func (c Config) poolConfig(prepare func(context.Context, *pgx.Conn) error) (*pgxpool.Config, error) {
	cfg, err := c.connConfig()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, redact(err)
	}
	cfg.RuntimeParams["statement_timeout"] = "60000"
	cfg.RuntimeParams["jit"] = "off"
	pool.ConnConfig = cfg
	pool.MaxConns = c.MaxConnections
	pool.AfterConnect = prepare
	return pool, nil
}
