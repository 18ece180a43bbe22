// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// What the engine tells a person at night: is it writing, is it reading, and is
// somebody holding it up.
var (
	batchSize = metrics.NewHistogram(&metrics.HistogramOpts{
		Namespace: "kite", Subsystem: "storage", Name: "batch_operations",
		Help:           "Operations that were written in one batch.",
		Buckets:        metrics.ExponentialBuckets(1, 2, 10),
		StabilityLevel: metrics.ALPHA,
	})
	batchSeconds = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace: "kite", Subsystem: "storage", Name: "batch_duration_seconds",
		Help:           "Time from sending a batch to its commit, the wait for the write lock included.",
		Buckets:        metrics.ExponentialBuckets(0.0005, 2, 14),
		StabilityLevel: metrics.ALPHA,
	}, []string{"result"})
	refusals = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: "storage", Name: "refused_operations_total",
		Help:           "Writes that were refused, by reason: revision (somebody else was faster) or claim.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"reason"})
	databaseErrors = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: "storage", Name: "database_errors_total",
		Help:           "Requests that failed in the database, by SQLSTATE, or connection when it could not be asked, or result when it answered what no sound schema does.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"kind"})
	feedPosition = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "kite", Subsystem: "feed", Name: "revision",
		Help:           "The revision up to which this process has read the change feed.",
		StabilityLevel: metrics.ALPHA,
	})
	feedBroken = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "kite", Subsystem: "feed", Name: "broken",
		Help:           "1 when revisions are missing from the events table and watches are no longer served.",
		StabilityLevel: metrics.ALPHA,
	})
	watches = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "kite", Subsystem: "feed", Name: "watches",
		Help:           "Watches that follow the change feed.",
		StabilityLevel: metrics.ALPHA,
	})
)

func init() { //nolint:gochecknoinits // metrics register themselves once, as in every component
	legacyregistry.MustRegister(batchSize, batchSeconds, refusals, databaseErrors, feedPosition, feedBroken, watches)
}

func observeBatch(operations int, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	batchSize.Observe(float64(operations))
	batchSeconds.WithLabelValues(result).Observe(took.Seconds())
}
