// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// maxBatch bounds the reports that share a write, and so its duration.
	maxBatch = 256
	// maxWaiting bounds the reports of one identity that wait in this process.
	// Beyond, reporters are told to come back.
	maxWaiting = 2048
	// roundTimeout bounds the work of a leader. It works for others, so it goes on
	// when its own client has gone.
	roundTimeout = 30 * time.Second
)

// combiner lets reports of one identity share writes. Of those that wait for the
// same key one leads: it applies its own report and all that wait with it, and
// hands the lead to the first that came meanwhile. No goroutine is started.
type combiner struct {
	mu sync.Mutex
	// waiting holds, by key, the entries whose turn has not come. A key is present
	// while somebody leads it.
	waiting map[string][]*entry
}

// do returns when run, called here or by another's do, has answered the entry; or
// with an error when the context ends before. The outcome is then unknown, unless
// the entry was still waiting, when it has none.
func (c *combiner) do(ctx context.Context, key string, e *entry, run func(context.Context, []*entry)) error {
	leads, err := c.join(key, e)
	if err != nil {
		return err
	}
	if !leads {
		select {
		case <-e.done:
			return e.err
		case <-e.turn:
		case <-ctx.Done():
			return c.abandon(key, e)
		}
	}
	c.lead(ctx, key, run)
	return e.err
}

// join adds the entry to those that wait, unless nobody leads: then it leads.
func (c *combiner) join(key string, e *entry) (leads bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting, busy := c.waiting[key]
	if len(waiting) >= maxWaiting {
		return false, apierrors.NewTooManyRequests(
			fmt.Sprintf("%d reports of this issue are waiting already", len(waiting)), 1)
	}
	if c.waiting == nil {
		c.waiting = map[string][]*entry{}
	}
	c.waiting[key] = append(waiting, e)
	return !busy, nil
}

// lead answers the leader, which waits first, and those behind it; then it hands
// over.
func (c *combiner) lead(ctx context.Context, key string, run func(context.Context, []*entry)) {
	batch := c.take(key)
	defer c.finish(key, batch)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	defer cancel()
	run(ctx, batch)
}

// finish wakes those whose report was applied, and hands over. It does so after a
// panic, too, or reports of this identity would wait for ever.
func (c *combiner) finish(key string, batch []*entry) {
	for _, e := range batch {
		if e.err == nil && e.status.Result == "" {
			e.err = apierrors.NewInternalError(errors.New("the report was not answered"))
		}
		close(e.done)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handOver(key)
}

func (c *combiner) take(key string) []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.waiting[key]
	n := min(len(waiting), maxBatch)
	c.waiting[key] = slices.Clone(waiting[n:])
	return waiting[:n:n]
}

// handOver makes the first that waits lead. The caller holds mu.
func (c *combiner) handOver(key string) {
	waiting := c.waiting[key]
	if len(waiting) == 0 {
		delete(c.waiting, key)
		return
	}
	close(waiting[0].turn)
}

// abandon gives up waiting. An entry that a leader has taken already is applied
// nevertheless.
func (c *combiner) abandon(key string, e *entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.waiting[key], e)
	if at < 0 {
		return apierrors.NewTimeoutError("the report may or may not have been applied; repeating it does no harm", 1)
	}
	c.waiting[key] = slices.Delete(c.waiting[key], at, at+1)
	select {
	case <-e.turn:
		c.handOver(key)
	default:
	}
	return apierrors.NewTimeoutError("the report was not applied in time", 1)
}
