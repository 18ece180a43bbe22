// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// inBatch says that the operation on t.key was applied in batch $1: its newest event is
// the batch's.
const inBatch = "(SELECT e.batch FROM events e WHERE e.key = t.key ORDER BY e.rv DESC LIMIT 1) = $1"

// projector keeps a projection and its journal up to date. Its statements are composed
// once.
type projector struct {
	*Projection
	put, drop, complete, unmark, enter string
	stale, mend, mendEntry             string
}

func newProjectors(projections []*Projection) []*projector {
	projectors := make([]*projector, len(projections))
	for i, p := range projections {
		projectors[i] = newProjector(p)
	}
	return projectors
}

func newProjector(p *Projection) *projector {
	table := p.table()
	return &projector{
		Projection: p,
		put:        p.putSQL(inBatch),
		drop:       fmt.Sprintf(unprojectSQL, table),
		complete:   fmt.Sprintf(completeSQL, table),
		unmark:     fmt.Sprintf(unmarkSQL, table),
		enter:      p.Journal.putSQL(inBatch),
		stale:      fmt.Sprintf(staleSQL, table, p.shape()),
		mend:       p.putSQL(atRevision),
		mendEntry:  p.Journal.putSQL(atRevision),
	}
}

// putSQL composes the statement that writes the rows for which condition holds.
func (p *Projection) putSQL(condition string) string {
	names, values, params, sets := []string{}, []string{}, []string{}, []string{}
	for i, c := range p.Columns {
		names, values = append(names, c.Name), append(values, c.sqlValue())
		params = append(params, fmt.Sprintf("$%d::text[]", i+4))
		sets = append(sets, fmt.Sprintf("%[1]s = excluded.%[1]s", c.Name))
	}
	columns := strings.Join(names, ", ")
	return fmt.Sprintf(projectSQL, p.table(), columns,
		strings.Join(values, ", "), strings.Join(params, ", "), strings.Join(sets, ", "), condition)
}

// sqlValue is how SQL reads a value that came as text.
func (c Column) sqlValue() string {
	if c.Match == HasMember {
		return fmt.Sprintf("string_to_array(%s, E'\\x1f')", c.Name)
	}
	return c.Type.value(c.Name)
}

// queueProjections adds the statements that project a batch's operations.
func (e *Engine) queueProjections(statements *pgx.Batch, id uuid.UUID, batch []*operation) {
	for _, p := range e.projectors {
		p.queue(statements, id, batch)
	}
}

// queue keeps the rule by which lists trust a projection: every object has a row, or
// the projection is marked as incomplete.
func (p *projector) queue(statements *pgx.Batch, id uuid.UUID, batch []*operation) {
	var gone []string
	hidden := false
	rows, entries := newTuples(len(p.Columns)), newTuples(p.Journal.width())
	var shapes []int16
	for _, op := range batch {
		if !strings.HasPrefix(op.key, p.Prefix) {
			continue
		}
		if op.entry != nil {
			entries.add(op.key, op.entry)
		}
		switch {
		case op.delete:
			gone = append(gone, op.key)
		case op.row == nil:
			gone, hidden = append(gone, op.key), true
		default:
			rows.add(op.key, op.row)
			shapes = append(shapes, op.shape)
		}
	}
	if len(rows.keys) > 0 {
		statements.Queue(p.put, rows.arguments(id, shapes)...)
	}
	if len(gone) > 0 {
		statements.Queue(p.drop, id, gone)
	}
	if hidden {
		statements.Queue(markSQL, p.Table)
	}
	if len(entries.keys) > 0 {
		statements.Queue(p.enter, entries.arguments(id)...)
	}
}

// tuples are rows by column, as statements take them.
type tuples struct {
	keys    []string
	columns [][]string
}

func newTuples(width int) *tuples { return &tuples{columns: make([][]string, width)} }

func (t *tuples) add(key string, values []string) {
	t.keys = append(t.keys, key)
	for i := range t.columns {
		t.columns[i] = append(t.columns[i], values[i])
	}
}

// arguments are which rows are true, their keys, what comes next, and the columns.
func (t *tuples) arguments(which any, next ...any) []any {
	args := append([]any{which, t.keys}, next...)
	for _, values := range t.columns {
		args = append(args, values)
	}
	return args
}
