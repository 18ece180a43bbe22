// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	_ "embed"
	"fmt"
	"path"
	"time"

	"kite.dev/kite/pkg/apis/issues"
)

var (
	//go:embed sql/due.sql
	dueSQL string
	//go:embed sql/incomplete.sql
	incompleteSQL string
	//go:embed sql/forget.sql
	forgetSQL string
)

// forgetRows bounds one step, so that none holds locks for long.
const forgetRows = 10_000

// Tables are the database beside the issues. *postgres.Engine is.
type Tables interface {
	Query(ctx context.Context, sql string, args, dest []any, row func() error) error
}

// deadline is an issue, by its key, whose time has come.
type deadline struct {
	key string
	at  time.Time
}

// place reads the key's last two parts.
func (d deadline) place() place {
	folder, name := path.Split(d.key)
	return place{namespace: path.Base(folder), name: name}
}

// due returns a page of issues whose deadline is not after a time.
func (s *Sweeper) due(ctx context.Context, state issues.IssueState, through time.Time, after deadline) ([]deadline, error) {
	var page []deadline
	var d deadline
	args := []any{string(state), through, after.at, after.key, pageSize}
	err := s.tables.Query(ctx, dueSQL, args, []any{&d.key, &d.at}, func() error {
		page = append(page, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for issues whose time has come: %w", err)
	}
	return page, nil
}

func (s *Sweeper) incomplete(ctx context.Context) (found bool, err error) {
	err = s.tables.Query(ctx, incompleteSQL, nil, []any{&found}, func() error { return nil })
	if err != nil {
		return false, fmt.Errorf("ask whether issues have rows: %w", err)
	}
	return found, nil
}

// forget deletes history that is old enough, in steps.
func (s *Sweeper) forget(ctx context.Context) error {
	if s.retention.History <= 0 {
		return nil
	}
	before := s.clock.Now().Add(-s.retention.History)
	for {
		n := 0
		err := s.tables.Query(ctx, forgetSQL, []any{before, forgetRows}, []any{&n}, func() error { return nil })
		if err != nil {
			return fmt.Errorf("delete old episodes: %w", err)
		}
		if n < forgetRows {
			return nil
		}
	}
}
