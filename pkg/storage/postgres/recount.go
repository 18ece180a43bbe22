// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/klog/v2"
)

const (
	recountInterval = 10 * time.Minute
	// recountFolders bounds one round.
	recountFolders = 1000
)

// recountClaims corrects, until ctx ends, what servers wrote that do not count claims.
func (e *Engine) recountClaims(ctx context.Context) {
	e.every(ctx, recountInterval, "recount claims", func(ctx context.Context) error {
		return e.exclusive(ctx, "recount claims", func(conn *pgxpool.Conn) error {
			return e.recountOnce(ctx, conn)
		})
	})
}

// recountOnce looks for wrong counts outside the write lock, and counts under it only
// where it found one.
func (e *Engine) recountOnce(ctx context.Context, conn *pgxpool.Conn) error {
	rows, err := conn.Query(ctx, miscountedSQL, recountFolders)
	if err != nil {
		return fmt.Errorf("look for wrong counts: %w", err)
	}
	folders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for wrong counts: %w", err)
	}
	for _, folder := range folders {
		if err := e.recount(ctx, folder); err != nil {
			return fmt.Errorf("count the claims of %s: %w", folder, err)
		}
	}
	return nil
}

func (e *Engine) recount(ctx context.Context, folder string) error {
	klog.FromContext(ctx).V(2).Info("Counting the claims of a folder again", "folder", folder)
	lo, hi := keyRange(folder + "/")
	var batch pgx.Batch
	batch.Queue(lockSQL, e.lockKey)
	batch.Queue(recountSQL, folder, lo, hi)
	batch.Queue(forgetSQL, folder)
	return e.writerPool.SendBatch(ctx, &batch).Close()
}
