// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// revisionJump is how far the counter moves when revisions may have been lost: more
// than any replica can have handed out since.
const revisionJump = 1_000_000

// databaseIdentity says which database a connection reached and what its revisions say.
type databaseIdentity struct {
	knownSystem, system     *int64
	knownTimeline, timeline *string
	newest                  int64
}

func (i databaseIdentity) isNew() bool { return i.knownSystem == nil }

// isHidden is true on a managed service that does not tell; only what the process
// knows is left.
func (i databaseIdentity) isHidden() bool { return i.system == nil }

func (i databaseIdentity) isSame() bool {
	return i.isHidden() || i.knownSystem != nil && *i.knownSystem == *i.system && *i.knownTimeline == *i.timeline
}

// checkIdentity refuses to go on after a promotion or a restore as if nothing had
// happened: the last revisions may be lost, and would be given out a second time for
// other changes. Then the counter jumps far ahead and history is forgotten, so that
// every client lists anew and none sees time go back.
func (e *Engine) checkIdentity(ctx context.Context, conn *pgx.Conn) error {
	mark := e.known.Load()
	id, read, err := readReadable(ctx, conn)
	if err != nil {
		return err
	}
	if id.isSame() && id.newest >= mark {
		return nil
	}
	return e.adopt(ctx, conn, read)
}

type identityReader func(context.Context, *pgx.Conn) (databaseIdentity, error)

// readReadable reads what the role may read, and returns the function that does.
func readReadable(ctx context.Context, conn *pgx.Conn) (databaseIdentity, identityReader, error) {
	read := readIdentity
	id, err := read(ctx, conn)
	if isDenied(err) {
		read = readNewest
		id, err = read(ctx, conn)
	}
	return id, read, err
}

func readNewest(ctx context.Context, conn *pgx.Conn) (databaseIdentity, error) {
	var id databaseIdentity
	var compacted int64
	if err := conn.QueryRow(ctx, revisionsSQL).Scan(&id.newest, &compacted); err != nil {
		return id, fmt.Errorf("read revisions: %w", err)
	}
	return id, nil
}

func readIdentity(ctx context.Context, conn *pgx.Conn) (databaseIdentity, error) {
	var id databaseIdentity
	err := conn.QueryRow(ctx, identitySQL).Scan(&id.knownSystem, &id.knownTimeline, &id.system, &id.timeline, &id.newest)
	if err != nil {
		return id, fmt.Errorf("read the database's identity: %w", err)
	}
	return id, nil
}

func isDenied(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "42501"
}

// adopt decides under the write lock, where one process is the first to see it.
func (e *Engine) adopt(ctx context.Context, conn *pgx.Conn, read identityReader) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL, e.lockKey); err != nil {
			return fmt.Errorf("take the write lock: %w", err)
		}
		mark := e.known.Load()
		id, err := read(ctx, conn)
		if err != nil || (id.isSame() && id.newest >= mark) {
			return err
		}
		if err := record(ctx, tx, id); err != nil || (id.isNew() && !id.isHidden() && id.newest >= mark) {
			return err
		}
		next, err := jump(ctx, tx, max(id.newest, mark), e.cfg.Clock)
		if err != nil {
			return err
		}
		revisionJumps.Inc()
		klog.FromContext(ctx).Info("The database was promoted or restored: revisions jump, and every client lists anew",
			"from", id.newest, "to", next, "known", mark)
		return nil
	})
}

// record makes this the database that made the revisions.
func record(ctx context.Context, tx pgx.Tx, id databaseIdentity) error {
	if _, err := tx.Exec(ctx, adoptSQL, id.system, id.timeline); err != nil {
		return fmt.Errorf("record the database's identity: %w", err)
	}
	return nil
}

// jump moves the counter ahead of everything that was ever handed out, as far as
// anybody can know: an earlier jump went to a time, too. The caller holds the write lock.
func jump(ctx context.Context, tx pgx.Tx, newest int64, clock clock.PassiveClock) (int64, error) {
	next := max(newest+revisionJump, clock.Now().UnixMicro())
	if _, err := tx.Exec(ctx, jumpSQL, next, uuid.New()); err != nil {
		return 0, fmt.Errorf("jump to revision %d: %w", next, err)
	}
	return next, nil
}
