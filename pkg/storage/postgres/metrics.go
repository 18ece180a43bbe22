// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// What the engine tells a person at night: is it writing, is it reading, and is
// somebody holding it up. docs/operator/metrics.md says what to do about each.
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

	refusals = counterVec("storage", "refused_operations_total", "reason",
		"Writes that were refused, by reason: revision (somebody else was faster), exists, claim (another object holds it), or room (too many objects hold one).")
	databaseErrors = counterVec("storage", "database_errors_total", "kind",
		"Requests that failed in the database, by SQLSTATE; connection when it could not be asked, result when no sound schema answers so.")
	settledBatches = counterVec("storage", "settled_batches_total", "result",
		"Batches whose connection was lost before the answer, by what became of them: committed, aborted, or unknown.")
	revisionJumps = counter("storage", "revision_jumps_total",
		"How often this process moved the revision ahead because the database was promoted or restored.")
	trimmedEvents  = counter("storage", "trimmed_events_total", "Events that this process deleted because history was old enough.")
	expiredObjects = counter("storage", "expired_objects_total", "Objects that this process deleted because their time to live had passed.")

	feedBroken = feedGauge("broken", "1 when revisions are missing from the events table and watches are no longer served.")
	watches    = feedGauge("watches", "Watches that follow the change feed.")

	blockedWatches = feedGauge("blocked_watches", "Watches whose reader is so slow that they read no further.")
	feedReconnects = counter("feed", "reconnects_total", "How often the change feed could read again after it could not.")
	historyReads   = counter("feed", "history_reads_total", "Reads of the events table for watches that were behind what is in memory.")
)

// What collector reads from the engine.
var (
	poolConnections = description("storage", "pool_connections", "Connections to the database, by pool and state.", "pool", "state")
	poolMax         = description("storage", "pool_connections_max", "Connections that a pool may open.", "pool")
	poolAcquires    = description("storage", "pool_acquires_total", "How often a connection was taken from a pool.", "pool")
	poolWaits       = description("storage", "pool_acquire_waits_total", "How often a connection was taken only after a wait, because none was idle.", "pool")
	poolWaitSeconds = description("storage", "pool_acquire_wait_seconds_total", "Time that was spent waiting for connections that were then taken.", "pool")
	poolGivenUp     = description("storage", "pool_acquires_cancelled_total", "How often a wait for a connection was given up.", "pool")

	queuedOperations  = description("storage", "queued_operations", "Writes that no batch has taken yet.")
	queueOldest       = description("storage", "queue_oldest_seconds", "For how long the first of the queued writes has waited.")
	schemaVersion     = description("storage", "schema_version", "The version of the database schema that this process needs and uses.")
	newestRevision    = description("storage", "revision", "The newest revision, as the database says. Absent when it does not answer.")
	compactedRevision = description("storage", "compact_revision", "The revision below which history is forgotten. Absent when the database does not answer.")

	feedPosition      = description("feed", "revision", "The revision up to which this process has read the change feed.")
	ringEventsNow     = description("feed", "ring_events", "Recent events in memory.")
	ringBytesNow      = description("feed", "ring_bytes", "Size of the recent events in memory.")
	feedRead          = description("feed", "last_read_timestamp_seconds", "When the change feed last had read everything that was committed, as Unix time.")
	feedBehind        = description("feed", "behind_revisions", "Revisions that are committed and not read by the change feed. Absent when the database does not answer.")
	feedBehindSeconds = description("feed", "behind_seconds", "Age of the first of those revisions, by the database's clock. Absent when the database does not answer.")
)

func init() { //nolint:gochecknoinits // metrics register themselves once, as in every component
	legacyregistry.MustRegister(
		batchSize, batchSeconds, refusals, databaseErrors, settledBatches, revisionJumps, trimmedEvents, expiredObjects,
		feedBroken, watches, blockedWatches, feedReconnects, historyReads,
	)
	for _, result := range []string{"ok", "error"} {
		batchSeconds.WithLabelValues(result)
	}
	for _, kind := range []string{failedConnection, failedResult} {
		databaseErrors.WithLabelValues(kind)
	}
	for _, reason := range []string{"revision", "exists", "claim", "room"} {
		refusals.WithLabelValues(reason)
	}
	for _, result := range []string{settledCommitted, settledAborted, settledUnknown} {
		settledBatches.WithLabelValues(result)
	}
}

func counter(subsystem, name, help string) *metrics.Counter {
	return metrics.NewCounter(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA,
	})
}

func counterVec(subsystem, name, label, help string) *metrics.CounterVec {
	return metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: subsystem, Name: name, Help: help, StabilityLevel: metrics.ALPHA,
	}, []string{label})
}

func feedGauge(name, help string) *metrics.Gauge {
	return metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "kite", Subsystem: "feed", Name: name, Help: help, StabilityLevel: metrics.ALPHA,
	})
}

func description(subsystem, name, help string, labels ...string) *metrics.Desc {
	return metrics.NewDesc(metrics.BuildFQName("kite", subsystem, name), help, labels, nil, metrics.ALPHA, "")
}

func observeBatch(operations int, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	batchSize.Observe(float64(operations))
	batchSeconds.WithLabelValues(result).Observe(took.Seconds())
}

// What became of a batch whose answer was lost.
const (
	settledCommitted = "committed"
	settledAborted   = "aborted"
	settledUnknown   = "unknown"
)

// observeSettled counts what settle returns, and passes it on.
func observeSettled(outcomes []outcome, err error) ([]outcome, error) {
	result := settledCommitted
	switch {
	case errors.Is(err, errRetry):
		result = settledAborted
	case err != nil:
		result = settledUnknown
	}
	settledBatches.WithLabelValues(result).Inc()
	return outcomes, err
}
