// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	_ "embed"
	"time"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/storage/postgres"
)

const (
	// trendDays is how far back a group tells how many members were Active.
	trendDays = 90
	day       = 24 * time.Hour
)

//go:embed sql/ended.sql
var endedSQL string

// history reads what is over. *postgres.Engine does.
type history interface {
	Query(ctx context.Context, sql string, args, dest []any, row func() error) error
}

var _ history = (*postgres.Engine)(nil)

// trend counts the members that were Active at the end of each day, in UTC; the last day
// is today, which ends now.
type trend struct {
	// first is the beginning of the first day.
	first  time.Time
	counts [trendDays]int32
}

func newTrend(now time.Time) *trend {
	return &trend{first: now.UTC().Truncate(day).Add(-(trendDays - 1) * day)}
}

// ended counts members that were Active at the ends of all days but the one on which they
// were resolved.
func (t *trend) ended(opened, resolved time.Time, n int32) {
	t.add(t.index(opened), t.index(resolved), n)
}

// active counts a member that is Active now.
func (t *trend) active(opened time.Time) { t.add(t.index(opened), trendDays, 1) }

func (t *trend) add(from, to int, n int32) {
	for i := max(from, 0); i < min(to, trendDays); i++ {
		t.counts[i] += n
	}
}

// index is the day of a time; what lies ahead of the server's clock is of today.
func (t *trend) index(at time.Time) int {
	at = at.UTC().Truncate(day)
	return min(int(at.Sub(t.first)/day), trendDays-1)
}

// read adds the history of a group.
func (t *trend) read(ctx context.Context, from history, key string) error {
	var opened, resolved time.Time
	var n int32
	return from.Query(ctx, endedSQL, []any{key, t.first}, []any{&opened, &resolved, &n}, func() error {
		t.ended(opened, resolved, n)
		return nil
	})
}

func (t *trend) list() []issues.IssueGroupDay {
	out := make([]issues.IssueGroupDay, 0, trendDays)
	for i, n := range t.counts {
		out = append(out, issues.IssueGroupDay{Day: t.first.Add(time.Duration(i) * day).Format(time.DateOnly), Active: n})
	}
	return out
}
