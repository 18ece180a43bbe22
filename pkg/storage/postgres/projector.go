// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// projector keeps a projection up to date. Its statements are composed once.
type projector struct {
	*Projection
	put, drop, complete, unmark string
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
		put:        p.putSQL(),
		drop:       fmt.Sprintf(unprojectSQL, table),
		complete:   fmt.Sprintf(completeSQL, table),
		unmark:     fmt.Sprintf(unmarkSQL, table),
	}
}

func (p *Projection) putSQL() string {
	names, values, params, sets := []string{}, []string{}, []string{}, []string{}
	for i, c := range p.Columns {
		value := c.Name
		if c.Match == HasMember {
			value = fmt.Sprintf("string_to_array(%s, E'\\x1f')", c.Name)
		}
		names, values = append(names, c.Name), append(values, value)
		params = append(params, fmt.Sprintf("$%d::text[]", i+3))
		sets = append(sets, fmt.Sprintf("%[1]s = excluded.%[1]s", c.Name))
	}
	columns := strings.Join(names, ", ")
	return fmt.Sprintf(projectSQL, p.table(), columns,
		strings.Join(values, ", "), strings.Join(params, ", "), strings.Join(sets, ", "), p.shape())
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
	var gone, kept []string
	hidden := false
	columns := make([][]string, len(p.Columns))
	for _, op := range batch {
		switch {
		case !strings.HasPrefix(op.key, p.Prefix):
		case op.delete:
			gone = append(gone, op.key)
		case op.row == nil:
			gone, hidden = append(gone, op.key), true
		default:
			kept = append(kept, op.key)
			for i := range columns {
				columns[i] = append(columns[i], op.row[i])
			}
		}
	}
	if len(kept) > 0 {
		args := []any{id, kept}
		for _, values := range columns {
			args = append(args, values)
		}
		statements.Queue(p.put, args...)
	}
	if len(gone) > 0 {
		statements.Queue(p.drop, id, gone)
	}
	if hidden {
		statements.Queue(markSQL, p.Table)
	}
}
