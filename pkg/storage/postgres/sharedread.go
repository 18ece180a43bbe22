// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync"
	"time"
)

// readTimeout bounds one read, the wait for a connection included.
const readTimeout = 10 * time.Second

// sharedRead lets callers share the answer of a question whose answer must not be
// older than the call: whoever comes while the database is being asked waits for the
// next question, which all who wait then share.
//
//	caller A  ─ask──────┐
//	caller B     ╲wait  └ask──────┐   B and C share the second question
//	caller C       ╲wait ╱        └
type sharedRead struct {
	mu      sync.Mutex
	asking  bool
	waiting *answer
}

type answer struct {
	done chan struct{}
	rev  int64
	err  error
}

// do returns what ask returns when it starts after this call.
func (r *sharedRead) do(ctx context.Context, ask func(context.Context) (int64, error)) (int64, error) {
	r.mu.Lock()
	a := r.waiting
	if a == nil {
		a = &answer{done: make(chan struct{})}
		r.waiting = a
	}
	if !r.asking {
		r.asking = true
		go r.run(context.WithoutCancel(ctx), ask)
	}
	r.mu.Unlock()
	select {
	case <-a.done:
		return a.rev, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run asks until nobody waits.
func (r *sharedRead) run(ctx context.Context, ask func(context.Context) (int64, error)) {
	for {
		r.mu.Lock()
		a := r.waiting
		r.waiting = nil
		if a == nil {
			r.asking = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		askCtx, cancel := context.WithTimeout(ctx, readTimeout)
		a.rev, a.err = ask(askCtx)
		cancel()
		close(a.done)
	}
}
