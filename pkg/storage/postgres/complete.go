// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/klog/v2"
)

const completeInterval = 30 * time.Second

// completeProjections looks, until ctx ends, whether projections that are marked as
// incomplete have become complete: when every object that was encrypted has been
// written in the clear again, or deleted.
func (e *Engine) completeProjections(ctx context.Context) {
	e.every(ctx, completeInterval, "complete projections", func(ctx context.Context) error {
		return e.exclusive(ctx, "complete projections", func(conn *pgxpool.Conn) error {
			return e.completeOnce(ctx, conn)
		})
	})
}

func (e *Engine) completeOnce(ctx context.Context, conn *pgxpool.Conn) error {
	for _, p := range e.projectors {
		if err := e.completeProjection(ctx, conn, p); err != nil {
			return fmt.Errorf("projection %s: %w", p.Table, err)
		}
	}
	return nil
}

// completeProjection looks at all objects outside the write lock, and under it only at
// those that have changed since.
func (e *Engine) completeProjection(ctx context.Context, conn *pgxpool.Conn, p *projector) error {
	lo, hi := keyRange(p.Prefix)
	var rev int64
	var complete bool
	if err := conn.QueryRow(ctx, p.complete, p.Table, lo, hi).Scan(&rev, &complete); err != nil {
		return fmt.Errorf("look for objects without a row: %w", err)
	}
	if !complete {
		return nil
	}
	var batch pgx.Batch
	batch.Queue(lockSQL, e.lockKey)
	batch.Queue(p.unmark, p.Table, lo, hi, rev).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() > 0 {
			klog.FromContext(ctx).Info("Lists select by the projection again: every object has a row", "projection", p.Table)
		}
		return nil
	})
	if err := e.writerPool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("remove the mark: %w", err)
	}
	return nil
}
