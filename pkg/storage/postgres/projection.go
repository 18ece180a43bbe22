// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
)

// Match says how a column answers a field selector.
type Match int

const (
	// Equals compares the column with the value.
	Equals Match = iota
	// Contains looks for the value, in lower case, anywhere in the column.
	Contains
	// HasMember looks for the value among the column's elements. Only = is prefiltered.
	HasMember
)

// memberSeparator joins the elements of a HasMember value.
const memberSeparator = "\x1f"

// Column is one field of an object that can be selected on, and the column that
// repeats it.
type Column struct {
	// Field is the selector's name, such as spec.severity, empty for what nobody selects
	// by; Name is the column's.
	Field, Name string
	Match       Match
	// Type is the column's type in SQL, for a column that nobody selects by. Defaults to
	// text, and for HasMember to text[].
	Type Type
	// MaxBytes is where the projected text is cut, so that its index can hold it.
	// Selectors of that length are not prefiltered. A Contains or HasMember column
	// must be as large as its field can be.
	MaxBytes int
	// Since numbers the addition to the projection that brought the column, from 1; 0
	// is there from the beginning. An older server writes rows without it, so only
	// rows whose writer knew it are prefiltered by it.
	Since int
	// Value reads the field. For HasMember use JoinMembers.
	Value func(runtime.Object) string
}

// JoinMembers makes the value of a HasMember column.
func JoinMembers(members []string) string { return strings.Join(members, memberSeparator) }

// Projection is a table beside objects that repeats what selectors of one resource
// need, written in the transaction that writes the object. It is a prefilter: the
// object alone decides. An object that is stored encrypted has no row, or the row
// would tell what encryption hides.
type Projection struct {
	// Table is made by a migration: its primary key is key, it has every column, each
	// later one with a default, and shape, the number of additions that a row's writer
	// knew.
	Table string
	// Prefix is the prefix of the resource's keys; it ends in a slash.
	Prefix  string
	Columns []Column
	// Journal remembers what became of the objects. Optional.
	Journal *Journal
}

// name is by what an incomplete projection is known; a resource without a projection
// has the empty one.
func (p *Projection) name() string {
	if p == nil {
		return ""
	}
	return p.Table
}

// journal is the projection's, nil for none.
func (p *Projection) journal() *Journal {
	if p == nil {
		return nil
	}
	return p.Journal
}

// prefiltered stands for the table of objects in a list: those of whose rows conditions
// hold. It finds their keys among the rows, and then reads each object by its own key. In
// a plain join PostgreSQL may begin with the objects, and reads all of them for each row:
// it takes one namespace of a large table for one row.
func (p *Projection) prefiltered(conditions string) string {
	return fmt.Sprintf(`(
    SELECT k.key, v.mod_rv, v.value
    FROM (SELECT p.key FROM %s p WHERE true%s ORDER BY p.key) k
    CROSS JOIN LATERAL (SELECT mod_rv, objects.value FROM objects WHERE objects.key = k.key LIMIT 1) v
)`, p.table(), conditions)
}

func (p *Projection) table() string { return pgx.Identifier{p.Table}.Sanitize() }

// shape is how many additions this program knows.
func (p *Projection) shape() int16 {
	newest := 0
	for _, c := range p.Columns {
		newest = max(newest, c.Since)
	}
	return int16(newest)
}

// Row projects an object: one value for each column.
func (p *Projection) Row(obj runtime.Object) []string {
	row := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		row[i] = c.projected(obj)
	}
	return row
}

func (c Column) projected(obj runtime.Object) string {
	return c.Type.projected(c.Value(obj), c.MaxBytes)
}

// conditions turns the requirements of a field selector that the projection knows into
// SQL over table p, with its parameters appended to args. What it leaves out, Go
// decides: the conditions are implied by the selector.
func (p *Projection) conditions(selector fields.Selector, args []any) (string, []any) {
	if p == nil || selector == nil {
		return "", args
	}
	var sql strings.Builder
	for _, r := range selector.Requirements() {
		i := slices.IndexFunc(p.Columns, func(c Column) bool { return c.Field != "" && c.Field == r.Field })
		if i < 0 || len(r.Value) >= p.Columns[i].MaxBytes || projected(r.Value, len(r.Value)) != r.Value {
			continue
		}
		condition, value := p.Columns[i].condition(r, len(args)+1)
		if condition == "" {
			continue
		}
		if since := p.Columns[i].Since; since > 0 {
			condition = fmt.Sprintf("(p.shape < %d OR %s)", since, condition)
		}
		sql.WriteString(" AND " + condition)
		args = append(args, value)
	}
	return sql.String(), args
}

// ordinary makes the characters that mean something to LIKE ordinary ones.
var ordinary = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (c Column) condition(r fields.Requirement, n int) (sql, value string) {
	equal := r.Operator == selection.Equals || r.Operator == selection.DoubleEquals
	switch {
	case c.Match == Equals && equal && r.Value != "":
		// The second half lets a plan made for any value use an index WHERE column <> ''.
		return fmt.Sprintf("p.%[1]s = $%[2]d AND p.%[1]s <> ''", c.Name, n), r.Value
	case c.Match == Equals && equal:
		return fmt.Sprintf("p.%s = $%d", c.Name, n), r.Value
	case c.Match == Equals && r.Operator == selection.NotEquals && r.Value == "":
		return fmt.Sprintf("p.%[1]s <> $%[2]d AND p.%[1]s <> ''", c.Name, n), r.Value
	case c.Match == Contains && equal:
		// Unlike position(), LIKE has statistics that tell a rare text from a frequent one.
		return fmt.Sprintf("p.%s LIKE $%d", c.Name, n), "%" + ordinary.Replace(strings.ToLower(r.Value)) + "%"
	case c.Match == HasMember && equal && r.Value != "" && !strings.Contains(r.Value, memberSeparator):
		return fmt.Sprintf("p.%s @> ARRAY[$%d::text]", c.Name, n), r.Value
	default:
		return "", ""
	}
}
