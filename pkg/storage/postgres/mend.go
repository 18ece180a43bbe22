// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	mendInterval = 30 * time.Second
	// mendRows bounds one step, which writes under the write lock.
	mendRows = 200
	// mendShare is how long the mender rests after a step, as a multiple of what it took.
	mendShare = 4
)

// atRevision says that the object t.key is the one that was read: at the revision that
// $1 has for it.
const atRevision = "(SELECT o.mod_rv FROM objects o WHERE o.key = t.key) = ($1::bigint[])[t.i]"

// mendProjections makes rows complete, until ctx ends, whose writer did not know all that
// belongs in them, and what the journal says beside them: those of an older server.
func (e *Engine) mendProjections(ctx context.Context) {
	e.every(ctx, mendInterval, "mend projections", func(ctx context.Context) error {
		return e.exclusive(ctx, "mend projections", func(conn *pgxpool.Conn) error {
			return e.mendOnce(ctx, conn)
		})
	})
}

func (e *Engine) mendOnce(ctx context.Context, conn *pgxpool.Conn) error {
	for _, s := range e.projecting() {
		if err := s.mend(ctx, conn); err != nil {
			return fmt.Errorf("projection %s: %w", s.Projection.Table, err)
		}
	}
	return nil
}

// mends makes the engine call the store, which alone can read its objects.
func (e *Engine) mends(s *Store) {
	if s.Projection == nil || s.Projection.shape() == 0 {
		return
	}
	e.storesMu.Lock()
	defer e.storesMu.Unlock()
	e.stores = append(e.stores, s)
}

func (e *Engine) projecting() []*Store {
	e.storesMu.Lock()
	defer e.storesMu.Unlock()
	return slices.Clip(e.stores)
}

// stored is an object as it was read, by key.
type stored struct {
	key string
	version
}

func (s *Store) mend(ctx context.Context, conn *pgxpool.Conn) error {
	p, after := newProjector(s.Projection), ""
	for {
		started := s.engine.cfg.Clock.Now()
		rows, err := conn.Query(ctx, p.stale, after, mendRows)
		if err != nil {
			return fmt.Errorf("look for incomplete rows: %w", err)
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o stored, err error) {
			return o, row.Scan(&o.key, &o.rev, &o.value)
		})
		if err != nil {
			return fmt.Errorf("look for incomplete rows: %w", err)
		}
		if err := s.mendRows(ctx, p, found); err != nil {
			return fmt.Errorf("write them again: %w", err)
		}
		if len(found) < mendRows {
			return nil
		}
		after = found[len(found)-1].key
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.engine.cfg.Clock.After(mendShare * s.engine.cfg.Clock.Since(started)):
		}
	}
}

// mendRows writes what belongs to objects that are still as they were read.
func (s *Store) mendRows(ctx context.Context, p *projector, found []stored) error {
	rows, entries := newTuples(len(p.Columns)), newTuples(p.Journal.width())
	var revs, entryRevs []int64
	var shapes []int16
	for _, o := range found {
		op := s.projectAgain(ctx, o)
		if op == nil {
			continue
		}
		rows.add(o.key, op.row)
		revs, shapes = append(revs, o.rev), append(shapes, op.shape)
		if op.entry != nil {
			entries.add(o.key, op.entry)
			entryRevs = append(entryRevs, o.rev)
		}
	}
	if len(revs) == 0 {
		return nil
	}
	var batch pgx.Batch
	batch.Queue(lockSQL, s.engine.lockKey)
	batch.Queue(p.mend, rows.arguments(revs, shapes)...)
	if len(entryRevs) > 0 {
		batch.Queue(p.mendEntry, entries.arguments(entryRevs)...)
	}
	return s.engine.writerPool.SendBatch(ctx, &batch).Close()
}

// projectAgain returns nil for what cannot be read, is encrypted, or still not known.
func (s *Store) projectAgain(ctx context.Context, o stored) *operation {
	l := &loader{store: s, key: o.key, out: s.NewFunc()}
	st, err := l.fromVersion(ctx, o.version)
	if err != nil || st.hidden() {
		return nil
	}
	op := &operation{key: o.key}
	s.project(op, st.obj)
	if op.shape < s.Projection.shape() {
		return nil
	}
	return op
}
