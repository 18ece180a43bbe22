// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
)

const (
	maxQueued     = 10_000
	maxBatchOps   = 512
	maxBatchBytes = 4 << 20

	// maxYield bounds how long a batch is left to grow behind another: that one may be
	// on a connection that was lost.
	maxYield = 5 * time.Millisecond
)

// queue holds the operations that wait for a writer. Whatever is queued when a writer
// becomes free is its next batch: the busier the database, the larger the batches.
// While one writer's batch is on its way, the other takes none that is smaller, which
// would only wait for the write lock and cost a commit of its own; it is left to grow.
//
//	queued: a1 b1 a2 c1   busy: {}      take → [a1 b1 c1]   (a2 shares a key with a1)
//	queued: a2            busy: {a b c} take waits
//	a1 done at rev 7:     a2 expected rev 5 → fails here, with rev 7, without a trip
type queue struct {
	clock clock.WithDelayedExecution

	mu     sync.Mutex
	queued []*operation
	// busy are the resources of operations that a writer has taken and not finished.
	busy map[string]struct{}
	// taken counts those operations.
	taken int
	// yielding says that a wake-up is set for a batch that is left to grow.
	yielding bool
	// added counts the operations that were ever queued.
	added int64
	// wake holds a token while there may be something to take.
	wake chan struct{}
}

func newQueue(clock clock.WithDelayedExecution) *queue {
	return &queue{clock: clock, busy: map[string]struct{}{}, wake: make(chan struct{}, 1)}
}

// add queues op, or refuses it when the queue is full.
func (q *queue) add(op *operation) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queued) >= maxQueued {
		return apierrors.NewTooManyRequests("too many writes are waiting for the database", retryAfterSeconds)
	}
	q.added++
	op.number = q.added
	q.queued = append(q.queued, op)
	q.signal()
	return nil
}

// cancel removes op if no writer has taken it yet, and tells whether it did.
func (q *queue) cancel(op *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.queued, op)
	if i < 0 {
		return false
	}
	q.queued = slices.Delete(q.queued, i, i+1)
	return true
}

// take waits for work and returns a batch, or nil when ctx has ended.
func (q *queue) take(ctx context.Context) []*operation {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		}
		if batch := q.next(); len(batch) > 0 {
			return batch
		}
	}
}

// next takes a batch. What stays blocks what comes behind it on the same key or claim,
// so that nothing is overtaken there, and nothing starves.
func (q *queue) next() []*operation {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.yields() {
		return nil
	}
	var batch []*operation
	bytes := 0
	blocked := map[string]struct{}{}
	rest := q.queued[:0]
	for i, op := range q.queued {
		if len(batch) == maxBatchOps {
			rest = append(rest, q.queued[i:]...)
			break
		}
		names := op.resources()
		full := len(batch) > 0 && bytes+op.size() > maxBatchBytes
		if full || containsAny(q.busy, names) || containsAny(blocked, names) {
			addTo(blocked, names)
			rest = append(rest, op)
			continue
		}
		addTo(q.busy, names)
		op.takenAt = q.added
		q.taken++
		batch = append(batch, op)
		bytes += op.size()
	}
	clear(q.queued[len(rest):])
	q.queued = rest
	if len(rest) > 0 && len(batch) > 0 {
		q.signal() // for the other writer
	}
	return batch
}

// yields tells whether what is queued should grow, and sees to it that it is looked at
// again. The caller holds mu.
func (q *queue) yields() bool {
	if len(q.queued) == 0 || len(q.queued) >= q.taken || q.clock.Since(q.queued[0].queuedAt) >= maxYield {
		return false
	}
	if !q.yielding {
		q.yielding = true
		q.clock.AfterFunc(maxYield, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.yielding = false
			q.signal()
		})
	}
	return true
}

func containsAny(set map[string]struct{}, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, ok := set[name]
		return ok
	})
}

func addTo(set map[string]struct{}, names []string) {
	for _, name := range names {
		set[name] = struct{}{}
	}
}

// finish answers the operations of a batch, and those behind them that the answers
// have made hopeless.
func (q *queue) finish(batch []*operation, outcomes []outcome) {
	q.mu.Lock()
	newest := make(map[string]news, len(batch))
	for i, op := range batch {
		q.release(op)
		if v, ok := versionAfter(op, outcomes[i]); ok {
			newest[op.key] = news{version: v, asOf: op.takenAt}
		}
	}
	stale := q.removeStale(newest)
	q.signal()
	q.mu.Unlock()

	for i, op := range batch {
		op.done <- outcomes[i]
	}
	for _, op := range stale {
		op.done <- outcome{current: newest[op.key].version, known: true}
	}
}

// requeue puts a batch that provably did not happen back in front.
func (q *queue) requeue(batch []*operation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, op := range batch {
		q.release(op)
	}
	q.queued = append(slices.Clone(batch), q.queued...)
	q.signal()
}

func (q *queue) release(op *operation) {
	q.taken--
	for _, name := range op.resources() {
		delete(q.busy, name)
	}
}

// news is a key's version, as a batch found or left it that was taken when asOf
// operations had been queued.
type news struct {
	version
	asOf int64
}

// removeStale takes out the operations whose expected revision is older than what
// their key had while they were waiting. Those that came after the batch was taken
// have to ask: another process may have changed the key again before they came.
func (q *queue) removeStale(newest map[string]news) []*operation {
	var stale []*operation
	q.queued = slices.DeleteFunc(q.queued, func(op *operation) bool {
		v, ok := newest[op.key]
		if !ok || op.number > v.asOf || op.expect >= v.rev {
			return false
		}
		stale = append(stale, op)
		return true
	})
	return stale
}

// versionAfter is the key's state right after op, if the outcome tells. A deletion
// is left out: what was queued behind it may well be a creation.
func versionAfter(op *operation, o outcome) (version, bool) {
	switch {
	case o.applied() && !op.delete:
		return version{rev: o.rev, value: op.value}, true
	case !o.applied() && o.known && o.current.exists():
		return o.current, true
	default:
		return version{}, false
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
