// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTrend compares with a count of who was Active at the end of each day.
func TestTrend(t *testing.T) {
	t.Parallel()
	type episode struct{ opened, resolved time.Time }
	now := time.Date(2026, 3, 2, 15, 30, 0, 0, time.UTC)
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		trend := newTrend(now)
		var all []episode
		for range random.IntN(40) {
			e := episode{opened: now.Add(-time.Duration(random.Int64N(int64(100 * day))))}
			if random.IntN(3) == 0 {
				trend.active(e.opened)
			} else {
				e.resolved = e.opened.Add(time.Duration(random.Int64N(int64(now.Sub(e.opened)) + 1)))
				trend.ended(e.opened, e.resolved, 1)
			}
			all = append(all, e)
		}
		for i, got := range trend.list() {
			begin := time.Date(2025, 12, 3, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
			require.Equal(t, begin.Format(time.DateOnly), got.Day)
			end := begin.AddDate(0, 0, 1)
			var want int32
			for _, e := range all {
				if e.opened.Before(end) && (e.resolved.IsZero() || !e.resolved.Before(end)) {
					want++
				}
			}
			require.Equal(t, want, got.Active, "seed %d, %s", seed, got.Day)
		}
	}
}

// TestTrendOfStrangeTimes counts them on the first or the last day.
func TestTrendOfStrangeTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 15, 30, 0, 0, time.UTC)
	trend := newTrend(now)
	trend.active(time.Time{})
	trend.active(now.Add(time.Hour))
	days := trend.list()
	require.EqualValues(t, 1, days[0].Active)
	require.EqualValues(t, 2, days[trendDays-1].Active)
	require.Equal(t, "2026-03-02", days[trendDays-1].Day)
}
