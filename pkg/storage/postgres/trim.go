// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/klog/v2"
)

const (
	trimInterval = 30 * time.Second
	// trimRows bounds one step, so that none holds a snapshot or locks for long.
	trimRows = 20_000

	sweepInterval = time.Second
	sweepRows     = 500
)

// trim forgets history that is older than Config.History, until ctx ends.
func (e *Engine) trim(ctx context.Context) {
	e.every(ctx, trimInterval, "trim history", func(ctx context.Context) error {
		return e.exclusive(ctx, "trim", func(conn *pgxpool.Conn) error {
			return e.trimOnce(ctx, conn)
		})
	})
}

func (e *Engine) trimOnce(ctx context.Context, conn *pgxpool.Conn) error {
	for {
		var rev *int64
		var changes bool
		var old int64
		if err := conn.QueryRow(ctx, trimmableSQL, e.cfg.History.Seconds(), trimRows).Scan(&rev, &changes, &old); err != nil {
			return fmt.Errorf("look for old events: %w", err)
		}
		if rev == nil || !changes {
			return nil
		}
		if err := e.Compact(ctx, *rev); err != nil {
			return err
		}
		if err := deleteCompacted(ctx, conn); err != nil {
			return err
		}
		if old < trimRows {
			return nil
		}
	}
}

// Compact makes the revisions below rev unreadable. It is a write: it takes the lock
// and raises the revision by one.
func (e *Engine) Compact(ctx context.Context, rev int64) error {
	var batch pgx.Batch
	batch.Queue(lockSQL, e.lockKey)
	batch.Queue(compactSQL, rev, uuid.New())
	if err := e.writerPool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("compact to %d: %w", rev, err)
	}
	e.feed.poke()
	e.hint()
	return nil
}

func deleteCompacted(ctx context.Context, conn *pgxpool.Conn) error {
	for {
		tag, err := conn.Exec(ctx, trimSQL, trimRows)
		if err != nil {
			return fmt.Errorf("delete old events: %w", err)
		}
		if tag.RowsAffected() < trimRows {
			return nil
		}
	}
}

// sweep deletes the objects whose time to live has passed, as ordinary writes: watches
// see them go, in order.
func (e *Engine) sweep(ctx context.Context) {
	e.every(ctx, sweepInterval, "expire objects", func(ctx context.Context) error {
		return e.exclusive(ctx, "sweep", func(conn *pgxpool.Conn) error {
			rows, err := conn.Query(ctx, expiredSQL, sweepRows)
			if err != nil {
				return fmt.Errorf("look for expired objects: %w", err)
			}
			var op operation
			var expired []*operation
			_, err = pgx.ForEachRow(rows, []any{&op.key, &op.expect, &op.held}, func() error {
				expired = append(expired, &operation{delete: true, key: op.key, expect: op.expect, held: op.held})
				op.held = nil
				return nil
			})
			if err != nil {
				return fmt.Errorf("look for expired objects: %w", err)
			}
			for _, op := range expired {
				// One that has changed since is refused, and looked at again.
				if _, err := e.write(ctx, op); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// every runs work now and then until ctx ends, and logs what fails.
func (e *Engine) every(ctx context.Context, interval time.Duration, name string, work func(context.Context) error) {
	ticker := e.cfg.Clock.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		if err := work(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("Background work has not succeeded; it is tried again", "work", name, "err", redact(err))
		}
	}
}

// exclusive runs work if no other process on the schema is at the same work.
func (e *Engine) exclusive(ctx context.Context, name string, work func(*pgxpool.Conn) error) error {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	key := lockKey(e.cfg.Schema + " " + name)
	mine := false
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&mine); err != nil || !mine {
		return err
	}
	err = work(conn)
	// A session that cannot give the lock back must not go on with it.
	unlockCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sessionTimeout)
	defer cancel()
	if _, unlockErr := conn.Exec(unlockCtx, "SELECT pg_advisory_unlock($1)", key); unlockErr != nil {
		_ = conn.Conn().Close(unlockCtx)
	}
	return err
}
