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

// trimOnce first deletes what a jump of the revisions, or a trimmer that was stopped,
// has left behind.
func (e *Engine) trimOnce(ctx context.Context, conn *pgxpool.Conn) error {
	for {
		if err := deleteCompacted(ctx, conn); err != nil {
			return err
		}
		var rev *int64
		var changes bool
		if err := conn.QueryRow(ctx, trimmableSQL, e.cfg.History.Seconds(), trimRows).Scan(&rev, &changes); err != nil {
			return fmt.Errorf("look for old events: %w", err)
		}
		if rev == nil || !changes {
			return nil
		}
		if err := e.Compact(ctx, *rev); err != nil {
			return err
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
		trimmedEvents.Add(float64(tag.RowsAffected()))
		if tag.RowsAffected() < trimRows {
			return nil
		}
	}
}

// sweep deletes the objects whose time to live has passed, as ordinary writes: watches
// see them go, in order.
func (e *Engine) sweep(ctx context.Context) {
	e.every(ctx, sweepInterval, "expire objects", func(ctx context.Context) error {
		for {
			expired, err := e.expired(ctx)
			if err == nil {
				err = e.expire(ctx, expired)
			}
			if err != nil || len(expired) < sweepRows {
				return err
			}
		}
	})
}

// expired returns deletions of objects whose time has come.
func (e *Engine) expired(ctx context.Context) ([]*operation, error) {
	rows, err := e.pool.Query(ctx, expiredSQL, sweepRows)
	if err != nil {
		return nil, fmt.Errorf("look for expired objects: %w", err)
	}
	expired, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*operation, error) {
		op := &operation{delete: true}
		return op, row.Scan(&op.key, &op.expect, &op.held)
	})
	if err != nil {
		return nil, fmt.Errorf("look for expired objects: %w", err)
	}
	return expired, nil
}

// expire writes deletions together. Every process on the schema comes with the same
// ones, and needs no lock for it: the first takes the expected revision away from the
// others, and so does whoever renews an object. A refused one is looked at again.
func (e *Engine) expire(ctx context.Context, expired []*operation) error {
	errs := make(chan error, len(expired))
	for _, op := range expired {
		go func() {
			o, err := e.write(ctx, op)
			if o.applied() {
				expiredObjects.Inc()
			}
			errs <- err
		}()
	}
	var failed error
	for range expired {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
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
