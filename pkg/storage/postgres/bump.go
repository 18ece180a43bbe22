// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// BumpRevision does by hand what the guard does when it notices a restore: the counter
// jumps ahead and history is forgotten, so that every client lists anew. It is for
// restores that nobody can notice: the database is the same one, and no process is left
// that knows a later revision. It returns the revisions before and after.
func BumpRevision(ctx context.Context, cfg Config) (from, to int64, err error) {
	cfg = cfg.withDefaults()
	connCfg, err := cfg.writerConfig()
	if err != nil {
		return 0, 0, err
	}
	conn, err := pgx.ConnectConfig(ctx, connCfg)
	if err != nil {
		return 0, 0, fmt.Errorf("connect to PostgreSQL: %w", redact(err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	err = checkSchemaVersion(ctx, conn, cfg.Schema)
	if version, ok := errors.AsType[*SchemaVersionError](err); ok && version.Have == 0 {
		return 0, 0, fmt.Errorf("schema %q does not exist or was never migrated: there is no revision to move", cfg.Schema)
	}
	if err != nil {
		return 0, 0, err
	}
	_, read, err := readReadable(ctx, conn) // outside, because a denied one ends the transaction
	if err != nil {
		return 0, 0, err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL, lockKey(cfg.Schema)); err != nil {
			return fmt.Errorf("take the write lock: %w", err)
		}
		id, err := read(ctx, conn)
		if err != nil {
			return err
		}
		if err := record(ctx, tx, id); err != nil {
			return err
		}
		from = id.newest
		to, err = jump(ctx, tx, id.newest, cfg.Clock)
		return err
	})
	return from, to, err
}
