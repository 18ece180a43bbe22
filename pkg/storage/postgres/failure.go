// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// failureLogInterval keeps a failure that every request meets from filling the log.
const failureLogInterval = time.Minute

var failureLog = logLimit{clock: clock.RealClock{}, interval: failureLogInterval}

// What went wrong where PostgreSQL gave no SQLSTATE: it was not reached, or answered
// what no sound schema does.
const (
	failedConnection = "connection"
	failedResult     = "result"
)

// reportFailure counts a failure of the database, and logs the first of its kind in a
// minute. kind is a SQLSTATE, or what went wrong without one.
func reportFailure(ctx context.Context, kind string, err error) {
	databaseErrors.WithLabelValues(kind).Inc()
	logger := klog.FromContext(ctx)
	if failureLog.allows(kind) {
		logger.Error(err, "PostgreSQL does not do what was asked; the same failure is logged again in a minute at the earliest", "kind", kind)
		return
	}
	logger.V(2).Info("PostgreSQL does not do what was asked", "kind", kind, "err", err)
}

// logLimit lets each kind of message pass once in an interval.
type logLimit struct {
	clock    clock.PassiveClock
	interval time.Duration

	mu   sync.Mutex
	last map[string]time.Time
}

func (l *logLimit) allows(kind string) bool {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[kind]; ok && now.Sub(last) < l.interval {
		return false
	}
	if l.last == nil {
		l.last = map[string]time.Time{}
	}
	l.last[kind] = now
	return true
}
