// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Query runs a statement that reads projections and journals of the engine's schema, and
// passes every row to visit, with what scans its columns. Such rows are a part of what
// objects say: an object that is stored encrypted has none.
func (e *Engine) Query(
	ctx context.Context, sql string, args []any, visit func(scan func(dest ...any) error) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return apiError(ctx, err)
	}
	return apiError(ctx, eachRow(rows, visit))
}

func eachRow(rows pgx.Rows, visit func(scan func(dest ...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
