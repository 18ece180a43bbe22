// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"
)

// versionTable is where tern keeps the number of the newest applied migration.
const versionTable = "schema_version"

// serverRole is the role that kite-apiserver connects as. It owns nothing; Migrate
// grants it what serving needs when the role exists.
const serverRole = "kite"

// compatibilityTable says which programs may use a schema that is newer than they are.
const compatibilityTable = "compatibility"

// SchemaVersionError says that this program cannot use the database's schema, because
// it was built for another version.
type SchemaVersionError struct {
	Schema     string
	Have, Want int32
}

// Error names the command that mends it.
func (e *SchemaVersionError) Error() string {
	if e.Have < e.Want {
		return fmt.Sprintf("schema %q is at version %d, this program needs %d: run `kite-apiserver migrate`",
			e.Schema, e.Have, e.Want)
	}
	return fmt.Sprintf("schema %q is at version %d, newer than this program's %d: run a newer kite-apiserver",
		e.Schema, e.Have, e.Want)
}

// Migrate creates the schema when it is missing and applies every migration that it
// lacks, each in its own transaction and all under a lock, so that several programs
// may call it at once. A newer schema that this program may use is left as it is. It
// returns the version before and after.
func Migrate(ctx context.Context, cfg Config) (from, to int32, err error) {
	cfg = cfg.withDefaults()
	connCfg, err := cfg.connConfig()
	if err != nil {
		return 0, 0, err
	}
	conn, err := pgx.ConnectConfig(ctx, connCfg)
	if err != nil {
		return 0, 0, fmt.Errorf("connect to PostgreSQL: %w", redact(err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	if err := ensureSchema(ctx, conn, cfg.Schema); err != nil {
		return 0, 0, err
	}
	migrator, err := newMigrator(ctx, conn)
	if err != nil {
		return 0, 0, err
	}
	from, err = migrator.GetCurrentVersion(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	to = SchemaVersion()
	if from > to {
		return from, from, checkSchemaVersion(ctx, conn, cfg.Schema)
	}
	if err := migrator.Migrate(ctx); err != nil {
		return from, from, fmt.Errorf("migrate schema %q: %w", cfg.Schema, err)
	}
	return from, to, grantServer(ctx, conn, cfg.Schema)
}

// ensureSchema asks first: a role without the right to create schemas may still
// migrate one that an administrator made for it.
func ensureSchema(ctx context.Context, conn *pgx.Conn, schema string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&exists); err != nil {
		return fmt.Errorf("look for schema %q: %w", schema, err)
	}
	if exists {
		return nil
	}
	_, err := conn.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize())
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "42P06" || pgErr.Code == "23505") {
		return nil // another migrator was faster
	}
	if err != nil {
		return fmt.Errorf("create schema %q: %w", schema, err)
	}
	return nil
}

func newMigrator(ctx context.Context, conn *pgx.Conn) (*migrate.Migrator, error) {
	migrator, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", versionTable, err)
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	if err := migrator.LoadMigrations(files); err != nil {
		return nil, fmt.Errorf("load migrations: %w", err)
	}
	return migrator, nil
}

func grantServer(ctx context.Context, conn *pgx.Conn, schema string) error {
	var wanted bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND current_user <> $1", serverRole).Scan(&wanted)
	if err != nil || !wanted {
		return err
	}
	s := pgx.Identifier{schema}.Sanitize()
	// Two programs that grant at once fail: "tuple concurrently updated".
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL, lockKey(schema)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, fmt.Sprintf(
			`GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s TO %[2]s;
			REVOKE INSERT, UPDATE, DELETE ON %[1]s.%[3]s, %[1]s.%[4]s FROM %[2]s`,
			s, serverRole, versionTable, compatibilityTable))
		return err
	})
	if err != nil {
		return fmt.Errorf("grant schema %q to role %s: %w", schema, serverRole, err)
	}
	return nil
}

// SchemaVersion is the version that this program was built for.
func SchemaVersion() int32 {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	return int32(len(files)) //nolint:gosec // a handful
}

// checkSchemaVersion refuses a connection to a schema that lacks migrations, and to one
// with a migration that this program cannot live with.
func checkSchemaVersion(ctx context.Context, conn *pgx.Conn, schema string) error {
	have, err := readVersion(ctx, conn, schema, "version", versionTable)
	if err != nil {
		return err
	}
	want, oldest := SchemaVersion(), have
	if have > want {
		if oldest, err = readVersion(ctx, conn, schema, "oldest", compatibilityTable); err != nil {
			return err
		}
	}
	if have < want || oldest > want {
		return &SchemaVersionError{Schema: schema, Have: have, Want: want}
	}
	return nil
}

// readVersion reads the one number that a table holds, 0 when there is no such table.
func readVersion(ctx context.Context, conn *pgx.Conn, schema, column, table string) (int32, error) {
	number := int32(0)
	err := conn.QueryRow(ctx, "SELECT "+column+" FROM "+table).Scan(&number)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42P01" {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s of schema %q: %w", table, schema, err)
	}
	return number, nil
}
