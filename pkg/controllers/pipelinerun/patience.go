// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"errors"
	"sync"
	"time"
)

// How long a log is waited for: a kubelet that does not answer must not hold up reports, and
// as many runs fail at once as its node had.
const (
	logTimeout = 2 * time.Second
	// hurriedTimeout is for the logs of the next hurry: enough for a kubelet that is well.
	hurriedTimeout = 100 * time.Millisecond
	hurry          = time.Minute
)

// patience is lost for a while when a log does not come in time. Which node a pod was on
// nobody says who may only read logs, so it is lost with all of them.
type patience struct {
	mu    sync.Mutex
	until time.Time
}

func (p *patience) read(ctx context.Context, now time.Time, tail func(context.Context) (string, error)) (string, error) {
	limit := p.limit(now)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text, err := tail(ctx)
	if limit == logTimeout && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.lose(now)
	}
	return text, err
}

func (p *patience) limit(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) {
		return hurriedTimeout
	}
	return logTimeout
}

func (p *patience) lose(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = now.Add(hurry)
}
