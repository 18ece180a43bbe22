// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"kite.dev/kite/pkg/storage/postgres"
)

// EnvDSN is the environment variable that may hold the connection string. There is no
// flag for it: command lines are visible to others.
const EnvDSN = "KITE_POSTGRES_DSN"

// What --migrate may be.
const (
	MigrateOff  = "off"
	MigrateAuto = "auto"
)

// The defaults of postgres.Config, so that --help shows them.
const (
	defaultMaxConnections = 16
	defaultHistory        = 10 * time.Minute
)

// PostgresOptions say where objects are kept.
type PostgresOptions struct {
	// DSNFile holds the connection string. It wins over EnvDSN.
	DSNFile string
	// Postgres carries the settings beside the DSN, which Config adds.
	Postgres postgres.Config
	// Migrate is MigrateOff or MigrateAuto. Defaults to MigrateOff.
	Migrate string
	// LookupEnv reads EnvDSN. Defaults to os.LookupEnv.
	LookupEnv func(string) (string, bool)
}

// NewPostgresOptions returns the defaults.
func NewPostgresOptions() *PostgresOptions {
	return &PostgresOptions{
		Postgres: postgres.Config{
			Schema:         postgres.DefaultSchema,
			MaxConnections: defaultMaxConnections,
			History:        defaultHistory,
		},
		Migrate:   MigrateOff,
		LookupEnv: os.LookupEnv,
	}
}

// AddFlags adds what every command needs that talks to the database.
func (o *PostgresOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.DSNFile, "postgres-dsn-file", o.DSNFile,
		"File with the PostgreSQL connection string, a URL or key=value pairs. It is read once, at start. "+
			"Without it the environment variable "+EnvDSN+" holds the connection string.")
	fs.StringVar(&o.Postgres.Schema, "postgres-schema", o.Postgres.Schema,
		"PostgreSQL schema that holds this cluster's objects. Clusters that share a database each have their own.")
}

// AddServeFlags adds what only a running server needs.
func (o *PostgresOptions) AddServeFlags(fs *pflag.FlagSet) {
	fs.Int32Var(&o.Postgres.MaxConnections, "postgres-max-connections", o.Postgres.MaxConnections,
		"Connections for reads, at most. The server opens five more, for writes and for the change feed.")
	fs.DurationVar(&o.Postgres.History, "history", o.Postgres.History,
		"How long a watch can be resumed and a chunked list continued. At least 75s.")
	fs.StringVar(&o.Migrate, "migrate", o.Migrate,
		"What to do at start with a schema of an older version: "+MigrateOff+" stops and says so, "+
			MigrateAuto+" migrates it, for which the role must own it.")
}

// Validate returns everything that is wrong with the flags. It does not read the DSN.
func (o *PostgresOptions) Validate() []error {
	if o.Migrate != MigrateOff && o.Migrate != MigrateAuto {
		return []error{fmt.Errorf("--migrate=%s: want %s or %s", o.Migrate, MigrateAuto, MigrateOff)}
	}
	return nil
}

// Config reads the connection string and returns the complete, valid configuration.
// No error repeats the connection string.
func (o *PostgresOptions) Config() (postgres.Config, error) {
	dsn, err := o.readDSN()
	if err != nil {
		return postgres.Config{}, err
	}
	cfg := o.Postgres
	cfg.DSN = dsn
	return cfg, cfg.Validate()
}

func (o *PostgresOptions) readDSN() (string, error) {
	if o.DSNFile != "" {
		content, err := os.ReadFile(o.DSNFile)
		if err != nil {
			return "", fmt.Errorf("read the PostgreSQL DSN (--postgres-dsn-file): %w", err)
		}
		dsn := strings.TrimSpace(string(content))
		if dsn == "" {
			return "", fmt.Errorf("read the PostgreSQL DSN (--postgres-dsn-file): %s is empty", o.DSNFile)
		}
		return dsn, nil
	}
	dsn, _ := o.LookupEnv(EnvDSN)
	if dsn = strings.TrimSpace(dsn); dsn == "" {
		return "", errors.New("no PostgreSQL DSN: give --postgres-dsn-file or the environment variable " + EnvDSN)
	}
	return dsn, nil
}
