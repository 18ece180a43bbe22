// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	_ "embed" // the statement
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

//go:embed sql/active.sql
var activeSQL string

// activeInterval is how old the numbers of Active issues may be.
const activeInterval = 30 * time.Second

var reports = metrics.NewCounterVec(&metrics.CounterOpts{
	Namespace: "kite", Name: "issue_reports_total", StabilityLevel: metrics.ALPHA,
	Help: "Issue reports by result: Created, Updated, Reopened, Resolved, Unchanged, Stale, or refused.",
}, []string{"result"})

var (
	activeIssues = metrics.NewDesc("kite_issues_active",
		"Active issues by severity and type; types that are not well known count as other.",
		[]string{"severity", "type"}, nil, metrics.ALPHA, "")
	activeInNamespaces = metrics.NewDesc("kite_namespace_issues_active",
		"Active issues by severity of the 100 namespaces that have most; those of all others have an empty namespace.",
		[]string{"namespace", "severity"}, nil, metrics.ALPHA, "")
)

// active are the gauges of Active issues. Each replica counts all of them. A scrape
// never waits for the database: it gets the numbers of the last count.
type active struct {
	metrics.BaseStableCollector

	mu      sync.Mutex
	db      Database
	numbers []activeNumber
}

type activeNumber struct {
	by          string
	label, more string
	n           int64
}

var _ metrics.StableCollector = (*active)(nil)

var activeMetrics = &active{}

func init() { //nolint:gochecknoinits // as in Kubernetes
	legacyregistry.MustRegister(reports)
	legacyregistry.CustomMustRegister(activeMetrics)
}

// CountActive keeps the gauges of Active issues up to date until ctx ends; of several
// servers in one process those of the newest.
func CountActive(ctx context.Context, db Database, clock clock.Clock) {
	activeMetrics.set(db, nil)
	defer activeMetrics.drop(db)
	for {
		numbers, err := readActive(ctx, db)
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Info("Could not count Active issues; will try again", "reason", err.Error())
		}
		activeMetrics.update(db, numbers)
		timer := clock.NewTimer(activeInterval)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func readActive(ctx context.Context, db Database) ([]activeNumber, error) {
	var out []activeNumber
	var row activeNumber
	err := db.Query(ctx, activeSQL, nil, []any{&row.by, &row.label, &row.more, &row.n}, func() error {
		out = append(out, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *active) set(db Database, numbers []activeNumber) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.db, a.numbers = db, numbers
}

// update leaves nothing to scrape when numbers could not be read: old ones would look new.
func (a *active) update(db Database, numbers []activeNumber) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.db == db {
		a.numbers = numbers
	}
}

func (a *active) drop(db Database) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.db == db {
		a.db, a.numbers = nil, nil
	}
}

// DescribeWithStability implements metrics.StableCollector.
func (*active) DescribeWithStability(ch chan<- *metrics.Desc) {
	ch <- activeIssues
	ch <- activeInNamespaces
}

// CollectWithStability implements metrics.StableCollector.
func (a *active) CollectWithStability(ch chan<- metrics.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.numbers {
		desc := activeIssues
		if n.by == "namespace" {
			desc = activeInNamespaces
		}
		ch <- metrics.NewLazyConstMetric(desc, metrics.GaugeValue, float64(n.n), n.label, n.more)
	}
}
