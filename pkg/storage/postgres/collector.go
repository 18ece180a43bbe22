// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// lagTimeout bounds the query that a scrape makes. Without an answer the metrics that
// it gives are left out.
const lagTimeout = time.Second

// collector reads an engine when metrics are scraped, so that nothing is counted
// twice, and what nobody scrapes costs nothing. A server has one engine; of several in
// a process, as in tests, it reads the newest.
type collector struct {
	metrics.BaseStableCollector

	mu     sync.Mutex
	engine *Engine
}

var _ metrics.StableCollector = (*collector)(nil)

var engineMetrics = &collector{}

func init() { //nolint:gochecknoinits // as in metrics.go
	legacyregistry.CustomMustRegister(engineMetrics)
}

func (c *collector) show(e *Engine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine = e
}

func (c *collector) hide(e *Engine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == e {
		c.engine = nil
	}
}

// DescribeWithStability implements metrics.StableCollector.
func (*collector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, desc := range []*metrics.Desc{
		poolConnections, poolMax, poolAcquires, poolWaits, poolWaitSeconds, poolGivenUp,
		queuedOperations, queueOldest, schemaVersion, newestRevision, compactedRevision,
		feedPosition, ringEventsNow, ringBytesNow, feedRead, feedBehind, feedBehindSeconds,
	} {
		ch <- desc
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *collector) CollectWithStability(ch chan<- metrics.Metric) {
	c.mu.Lock()
	e := c.engine
	c.mu.Unlock()
	if e == nil {
		return
	}
	s := sink(ch)
	s.gauge(schemaVersion, float64(SchemaVersion()))
	for name, pool := range map[string]*pgxpool.Pool{"read": e.pool, "write": e.writerPool, "feed": e.feedPool} {
		s.pool(name, pool.Stat())
	}
	queued, oldest := e.queue.waiting()
	s.gauge(queuedOperations, float64(queued))
	if queued > 0 {
		s.gauge(queueOldest, e.cfg.Clock.Since(oldest).Seconds())
	} else {
		s.gauge(queueOldest, 0)
	}
	s.feed(e)
}

// waiting is how many operations no writer has taken, and since when the first waits.
func (q *queue) waiting() (n int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queued) > 0 {
		oldest = q.queued[0].queuedAt
	}
	return len(q.queued), oldest
}

// observeRead notes that everything which was committed at started has been read.
func (f *feed) observeRead(started time.Time, err error) {
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastRead = started
}

// sink takes the values of one scrape.
type sink chan<- metrics.Metric

func (s sink) gauge(desc *metrics.Desc, value float64, labels ...string) {
	s <- metrics.NewLazyConstMetric(desc, metrics.GaugeValue, value, labels...)
}

func (s sink) counter(desc *metrics.Desc, value float64, labels ...string) {
	s <- metrics.NewLazyConstMetric(desc, metrics.CounterValue, value, labels...)
}

func (s sink) pool(name string, stat *pgxpool.Stat) {
	s.gauge(poolConnections, float64(stat.AcquiredConns()), name, "acquired")
	s.gauge(poolConnections, float64(stat.IdleConns()), name, "idle")
	s.gauge(poolConnections, float64(stat.ConstructingConns()), name, "constructing")
	s.gauge(poolMax, float64(stat.MaxConns()), name)
	s.counter(poolAcquires, float64(stat.AcquireCount()), name)
	s.counter(poolWaits, float64(stat.EmptyAcquireCount()), name)
	s.counter(poolWaitSeconds, stat.EmptyAcquireWaitTime().Seconds(), name)
	s.counter(poolGivenUp, float64(stat.CanceledAcquireCount()), name)
}

func (s sink) feed(e *Engine) {
	f := e.feed
	f.mu.Lock()
	position, started, events, bytes, read := f.pos, f.started, len(f.ring), f.size, f.lastRead
	f.mu.Unlock()
	s.gauge(ringEventsNow, float64(events))
	s.gauge(ringBytesNow, float64(bytes))
	if !started {
		return
	}
	s.gauge(feedPosition, float64(position))
	s.gauge(feedRead, float64(read.UnixNano())/float64(time.Second))
	var newest, compacted int64
	var behind float64
	ctx, cancel := context.WithTimeout(context.Background(), lagTimeout) //nolint:forbidigo // a scrape brings none
	defer cancel()
	if err := e.feedPool.QueryRow(ctx, lagSQL, position).Scan(&newest, &compacted, &behind); err != nil {
		return
	}
	s.gauge(newestRevision, float64(newest))
	s.gauge(compactedRevision, float64(compacted))
	s.gauge(feedBehind, float64(max(0, newest-position)))
	s.gauge(feedBehindSeconds, behind)
}
