// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"cmp"
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// maxValues bounds the lists of a summary whose values others choose.
const maxValues = 100

// number is one row of summary.sql.
type number struct {
	what, label      string
	opened, resolved *time.Time
	n                int64
	total            float64
}

// builder makes a summary of its numbers, which come in no order.
type builder struct {
	window  window
	summary issues.IssueSummary
}

func newBuilder(namespace string, w window) *builder {
	b := &builder{window: w}
	b.summary.Namespace, b.summary.Name = namespace, v1alpha1.IssueSummaryName
	status := &b.summary.Status
	status.ObservedAt = metav1.NewMicroTime(w.now)
	status.Days = trend(w.days, w.today, day)
	status.Weeks = trend(w.weeks, w.thisWeek, week)
	return b
}

// trend begins at from and ends with last.
func trend(from, last time.Time, step time.Duration) []issues.IssueTrend {
	var out []issues.IssueTrend
	for at := from; !at.After(last); at = at.Add(step) {
		out = append(out, issues.IssueTrend{Start: metav1.NewTime(at)})
	}
	return out
}

func (b *builder) add(n *number) {
	status := &b.summary.Status
	active := &status.Active
	switch n.what {
	case "active":
		active.Total = n.n
	case "severity":
		active.Severities = append(active.Severities, issues.IssueCount{Value: n.label, Count: n.n})
	case "type":
		active.Types = append(active.Types, issues.IssueCount{Value: n.label, Count: n.n})
	case "application":
		active.Applications = append(active.Applications, issues.IssueCount{Value: n.label, Count: n.n})
	case "component":
		active.Components = append(active.Components, issues.IssueCount{Value: n.label, Count: n.n})
	case "opened":
		b.addTrend(*n.opened, n.n, opened)
	case "ended":
		b.addTrend(*n.opened, n.n, opened)
		b.addTrend(*n.resolved, n.n, resolved)
	case "lastDay":
		status.ResolvedLastDay = n.n
	case "mean":
		status.TimeToResolve.Count, status.TimeToResolve.Mean = n.n, seconds(n.total/float64(n.n))
	case "p90":
		status.TimeToResolve.P90 = seconds(n.total)
	case "reopened":
		status.MostReopened = append(status.MostReopened, issues.ReopenedIssue{Name: n.label, Reopened: n.n})
	case "producer":
		status.Producers = append(status.Producers, issues.IssueProducer{Name: n.label, LastReport: metav1.NewTime(*n.resolved)})
	}
}

func opened(t *issues.IssueTrend) *int64 { return &t.Opened }

func resolved(t *issues.IssueTrend) *int64 { return &t.Resolved }

// addTrend adds a day's number to its day and its week, or an older week's to that.
func (b *builder) addTrend(at time.Time, n int64, field func(*issues.IssueTrend) *int64) {
	status := &b.summary.Status
	if i, ok := place(at, b.window.weeks, week, status.Weeks); ok {
		*field(&status.Weeks[i]) += n
	}
	if at.Before(b.window.fine) {
		return
	}
	if i, ok := place(at, b.window.days, day, status.Days); ok {
		*field(&status.Days[i]) += n
	}
}

// place finds the day or week of a time. A clock that is ahead of this one opens issues
// in the future.
func place(at, from time.Time, step time.Duration, trend []issues.IssueTrend) (int, bool) {
	i := int(at.Sub(from) / step)
	return i, !at.Before(from) && i < len(trend)
}

// seconds rounds a time, which may be longer than a Duration can tell: producers choose
// when something began.
func seconds(s float64) *metav1.Duration {
	const most = float64(math.MaxInt64 / time.Second)
	return &metav1.Duration{Duration: time.Duration(math.Round(min(s, most))) * time.Second}
}

// finish orders the lists and cuts them.
func (b *builder) finish() issues.IssueSummary {
	status := &b.summary.Status
	for _, counts := range []*[]issues.IssueCount{
		&status.Active.Severities, &status.Active.Types, &status.Active.Applications, &status.Active.Components,
	} {
		*counts = slices.DeleteFunc(*counts, func(c issues.IssueCount) bool { return c.Value == "" })
		slices.SortFunc(*counts, func(x, y issues.IssueCount) int {
			return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Value, y.Value))
		})
		*counts = (*counts)[:min(len(*counts), maxValues)]
	}
	slices.SortFunc(status.MostReopened, func(x, y issues.ReopenedIssue) int {
		return cmp.Or(cmp.Compare(y.Reopened, x.Reopened), cmp.Compare(x.Name, y.Name))
	})
	slices.SortFunc(status.Producers, func(x, y issues.IssueProducer) int {
		return cmp.Or(y.LastReport.Compare(x.LastReport.Time), cmp.Compare(x.Name, y.Name))
	})
	return b.summary
}
