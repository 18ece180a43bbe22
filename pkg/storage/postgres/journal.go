// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"k8s.io/apimachinery/pkg/runtime"
)

// Journal is a table beside objects that outlives them. What it says of an object is an
// entry, written in the transaction that writes or deletes the object, and only when it
// is another one than before: most writes cost nothing. An object that is stored
// encrypted has none, or the journal would tell what encryption hides.
type Journal struct {
	// Table is made by a migration; its primary key are the key columns.
	Table   string
	Columns []JournalColumn
	// Entry is what is said of an object: one value for each column; nil for nothing. One
	// that is not complete, because something was not known, is written again later.
	Entry func(obj runtime.Object) (entry []string, complete bool)
	// Removed is what is said of an object that was deleted at a time. Nil for nothing, or
	// for what was said before.
	Removed func(obj runtime.Object, at time.Time) []string
}

// JournalColumn is one column of a Journal.
type JournalColumn struct {
	Name string
	Type Type
	// MaxBytes is where text is cut.
	MaxBytes int
	Keeps    Keeps
}

// Keeps says what becomes of a column's value when its entry is written again.
type Keeps int

const (
	// KeepsNewest: the new value replaces it.
	KeepsNewest Keeps = iota
	// KeepsFirst: text stays unless it was empty.
	KeepsFirst
	// IsKey: it is a part of what tells entries apart.
	IsKey
)

// set is how SQL writes the column again.
func (c JournalColumn) set() string {
	if c.Keeps == KeepsFirst {
		return fmt.Sprintf("%[1]s = coalesce(nullif(j.%[1]s, ''), excluded.%[1]s)", c.Name)
	}
	return fmt.Sprintf("%[1]s = excluded.%[1]s", c.Name)
}

// putSQL composes the statement that writes the entries for which condition holds.
func (j *Journal) putSQL(condition string) string {
	if j == nil {
		return ""
	}
	var names, values, params, sets, keys []string
	for i, c := range j.Columns {
		names, values = append(names, c.Name), append(values, c.Type.value("t."+c.Name))
		params = append(params, fmt.Sprintf("$%d::text[]", i+3))
		if c.Keeps == IsKey {
			keys = append(keys, c.Name)
			continue
		}
		sets = append(sets, c.set())
	}
	join := func(parts []string) string { return strings.Join(parts, ", ") }
	return fmt.Sprintf(journalSQL, pgx.Identifier{j.Table}.Sanitize(),
		join(names), join(values), join(params), join(sets), condition, join(keys))
}

// width is the number of columns.
func (j *Journal) width() int {
	if j == nil {
		return 0
	}
	return len(j.Columns)
}

// entry is what is said of an object, as it can be stored.
func (j *Journal) entry(obj runtime.Object) (entry []string, complete bool) {
	if j == nil || obj == nil {
		return nil, true
	}
	entry, complete = j.Entry(obj)
	return j.storable(entry), complete
}

// removed is what is to be written for an object that is deleted.
func (j *Journal) removed(obj runtime.Object, at time.Time) []string {
	if j == nil || obj == nil || j.Removed == nil {
		return nil
	}
	return j.storable(j.Removed(obj, at))
}

func (j *Journal) storable(entry []string) []string {
	for i, c := range j.Columns {
		if entry != nil {
			entry[i] = c.Type.projected(entry[i], c.MaxBytes)
		}
	}
	return entry
}
