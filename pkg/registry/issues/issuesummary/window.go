// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import "time"

const (
	day  = 24 * time.Hour
	week = 7 * day
	// days is how many days a trend has, months how far back its weeks go.
	days   = 30
	months = 13
)

// window is what a summary looks at. All times are UTC.
type window struct {
	now time.Time
	// today and thisWeek begin then.
	today, thisWeek time.Time
	// days and weeks are the beginnings of the first ones.
	days, weeks time.Time
	// fine is the Monday since which SQL counts by day, so that days and weeks can both
	// be made of its numbers.
	fine time.Time
}

func newWindow(now time.Time) window {
	now = now.UTC()
	w := window{now: now, today: now.Truncate(day)}
	w.thisWeek = monday(w.today)
	w.days = w.today.Add(-(days - 1) * day)
	w.fine = monday(w.days)
	w.weeks = monday(w.today.AddDate(0, -months, 0))
	return w
}

// monday is the beginning of a day's week.
func monday(t time.Time) time.Time {
	return t.Add(-time.Duration((t.Weekday()+6)%7) * day)
}
