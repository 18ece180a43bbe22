// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

const (
	// maxGroups is how many groups of reads are under way at once.
	maxGroups = 2
	// maxGroupReads bounds the objects, of at most maxValueBytes each, of one group.
	maxGroupReads = 64
)

// groupReads reads single objects, as many as wait in one trip: whatever was asked for
// while maxGroups groups were under way is the next one, as with writes.
type groupReads struct {
	// read answers a group: all of it, or none.
	read func(ctx context.Context, group []*keyRead) error

	mu      sync.Mutex
	waiting []*keyRead
	running int
}

// keyRead is the question for one key. What it found is there when done is closed.
type keyRead struct {
	key     string
	done    chan struct{}
	version version
	// newest is the schema's newest revision in the snapshot of version.
	newest int64
	err    error
}

// do returns the object at key as it is at some moment after the call.
func (g *groupReads) do(ctx context.Context, key string) (version, int64, error) {
	read := &keyRead{key: key, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, read)
	if g.running < maxGroups {
		g.running++
		go g.run(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case <-read.done:
		return read.version, read.newest, read.err
	case <-ctx.Done():
		return version{}, 0, ctx.Err()
	}
}

// run reads groups until nobody waits.
func (g *groupReads) run(ctx context.Context) {
	for {
		group := g.next()
		if group == nil {
			return
		}
		err := g.read(ctx, group)
		for _, read := range group {
			read.err = err
			close(read.done)
		}
	}
}

func (g *groupReads) next() []*keyRead {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroupReads)
	if n == 0 {
		g.running--
		return nil
	}
	group := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return group
}

// readKeys answers a group of reads from one snapshot.
func (e *Engine) readKeys(ctx context.Context, group []*keyRead) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	keys := make([]string, len(group))
	for i, read := range group {
		keys[i] = read.key
	}
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, getSQL, keys)
	if err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	var place int
	var newest int64
	var rev *int64
	var value []byte
	_, err = pgx.ForEachRow(rows, []any{&place, &newest, &rev, &value}, func() error {
		read := group[place-1]
		read.newest = newest
		if rev != nil {
			read.version = version{rev: *rev, value: value}
		}
		value = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("read objects: %w", err)
	}
	return nil
}
