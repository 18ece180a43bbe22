// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"
	"errors"
	"sync"
)

// ErrBusy says that too many of a namespace wait for their turn.
var ErrBusy = errors.New("too many others of the namespace wait for expressions to be evaluated")

// Turns let the expressions of each namespace's authors take one processor at a time, and all
// of them together a few. Who waits is served in order, so an author whose expressions are slow
// keeps those of other namespaces waiting for one evaluation at most.
type Turns struct {
	places  chan struct{}
	waiting int

	mu     sync.Mutex
	queues map[string]*queue
}

// queue is that of a namespace while somebody has its turn, or waits for it.
type queue struct {
	turn  chan struct{}
	users int
}

// NewTurns returns Turns with so many places, for which so many of a namespace may wait.
func NewTurns(places, waiting int) *Turns {
	return &Turns{places: make(chan struct{}, places), waiting: waiting, queues: map[string]*queue{}}
}

// Do evaluates when the namespace has its turn. The error is of the context that ended before,
// or ErrBusy. Evaluate asks nobody who may be slow to answer.
func (t *Turns) Do(ctx context.Context, namespace string, evaluate func()) error {
	own := t.join(namespace)
	if own == nil {
		return ErrBusy
	}
	defer t.leave(namespace, own)
	for _, place := range []chan struct{}{own.turn, t.places} {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	evaluate()
	return nil
}

// join is nil where too many wait.
func (t *Turns) join(namespace string) *queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.queues[namespace]
	if own == nil {
		own = &queue{turn: make(chan struct{}, 1)}
		t.queues[namespace] = own
	}
	if own.users > t.waiting {
		return nil
	}
	own.users++
	return own
}

func (t *Turns) leave(namespace string, own *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(t.queues, namespace)
	}
}
