// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// besideTimeout bounds a statement about tables beside objects.
const besideTimeout = 10 * time.Second

// Query reads tables beside objects, such as a projection, in one round trip: it scans
// each row into dest, and calls row. The statement is planned for its arguments each
// time. Errors are those of the API.
func (e *Engine) Query(ctx context.Context, sql string, args, dest []any, row func() error) error {
	ctx, cancel := context.WithTimeout(ctx, besideTimeout)
	defer cancel()
	end, err := e.lists.take(ctx, acquireTimeout)
	if err != nil {
		return apiError(ctx, err)
	}
	defer end()
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
	if err != nil {
		return apiError(ctx, err)
	}
	if _, err := pgx.ForEachRow(rows, dest, row); err != nil {
		return apiError(ctx, fmt.Errorf("read tables beside objects: %w", err))
	}
	return nil
}

// Exec changes a table beside objects, outside of every batch and of the write lock.
func (e *Engine) Exec(ctx context.Context, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, besideTimeout)
	defer cancel()
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Exec(ctx, sql, args...)
	return apiError(ctx, err)
}
