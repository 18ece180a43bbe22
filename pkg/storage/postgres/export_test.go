// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/apimachinery/pkg/fields"
)

// What tests of package postgres_test look at from inside; pgtest imports this
// package, so that they cannot be part of it.

// WriterConfig is the configuration of the sessions that take the write lock.
func (c Config) WriterConfig() (*pgx.ConnConfig, error) { return c.withDefaults().writerConfig() }

// ReaderConfig is the configuration of all other sessions.
func (c Config) ReaderConfig() (*pgx.ConnConfig, error) { return c.withDefaults().connConfig() }

// WriteLock is the key of the schema's write lock.
func (e *Engine) WriteLock() int64 { return e.lockKey }

// FeedPosition is the revision up to which the engine has read the feed.
func (e *Engine) FeedPosition() int64 { return e.feed.position() }

// Queued is how many operations wait for a writer.
func (e *Engine) Queued() int {
	e.queue.mu.Lock()
	defer e.queue.mu.Unlock()
	return len(e.queue.queued)
}

// ForgetRecent empties the feed's ring, as many or large events would.
func (e *Engine) ForgetRecent() {
	e.feed.mu.Lock()
	defer e.feed.mu.Unlock()
	e.feed.ring, e.feed.size, e.feed.base = nil, 0, e.feed.pos
	clear(e.feed.newest)
}

// SetPageBytes bounds the objects that one read of a list brings into memory.
func (s *Store) SetPageBytes(bytes int64) { s.pageBytes = bytes }

// TrimNow does what the trimmer does now and then.
func (e *Engine) TrimNow(ctx context.Context) error {
	return e.exclusive(ctx, "trim", func(conn *pgxpool.Conn) error { return e.trimOnce(ctx, conn) })
}

// CompleteNow does what the engine does now and then for incomplete projections.
func (e *Engine) CompleteNow(ctx context.Context) error {
	return e.exclusive(ctx, "complete projections", func(conn *pgxpool.Conn) error { return e.completeOnce(ctx, conn) })
}

// MendNow does what the engine does now and then for rows that are not complete.
func (e *Engine) MendNow(ctx context.Context) error {
	return e.exclusive(ctx, "mend projections", func(conn *pgxpool.Conn) error { return e.mendOnce(ctx, conn) })
}

// RecountNow does what the engine does now and then for wrong numbers of claims.
func (e *Engine) RecountNow(ctx context.Context) error {
	return e.exclusive(ctx, "recount claims", func(conn *pgxpool.Conn) error { return e.recountOnce(ctx, conn) })
}

// Statements are the texts of all embedded statements by name, as readers and writers
// send them: those with a projection are rendered for p and selector.
func Statements(p *Projection, selector fields.Selector) (writing, reading map[string]string) {
	conditions, _ := p.conditions(selector, make([]any, 7))
	exact, _ := p.conditions(selector, make([]any, 8))
	projector := newProjector(p)
	writing = map[string]string{
		"write": writeSQL, "compact": compactSQL, "project": projector.put, "unproject": projector.drop, "enter": projector.enter,
		"mend": projector.mend, "mend entry": projector.mendEntry, "recount": recountSQL, "forget": forgetSQL,
		"mark": markSQL, "unmark": projector.unmark,
		"identity": identitySQL, "adopt": adoptSQL, "jump": jumpSQL,
	}
	reading = map[string]string{
		"tail": tailSQL, "history": historySQL, "trimmable": trimmableSQL, "trim": trimSQL,
		"expired": expiredSQL, "get": getSQL, "claim": claimSQL, "held": heldSQL, "stale": projector.stale, "miscounted": miscountedSQL, "revisions": revisionsSQL,
		"settle": settleSQL, "stats": statsSQL, "lag": lagSQL, "complete": projector.complete,
		"list": fmt.Sprintf(listSQL, "objects"), "list_exact": fmt.Sprintf(listExactSQL, "objects"),
		"list projected":       fmt.Sprintf(listSQL, p.prefiltered(conditions)),
		"list_exact projected": fmt.Sprintf(listExactSQL, p.prefiltered(exact)),
	}
	return writing, reading
}

// ListStatement is how the store reads a page of the keys below prefix, at a revision, 0
// for the newest.
func (s *Store) ListStatement(prefix string, limit, rev int64, selector fields.Selector) (sql string, args []any) {
	q := pageQuery{limit: limit, bytes: s.pageBytes, rev: rev, count: selector.Empty()}
	q.lo, q.hi = keyRange(prefix)
	sql, args, _ = s.pageStatement(q, selector)
	return sql, args
}

// APIError is what a client is told when the database said err.
func APIError(ctx context.Context, err error) error { return apiError(ctx, err) }

// ErrUnsettled says that a write may or may not have happened.
var ErrUnsettled = errUnsettled

// HoldLists takes every turn that lists have.
func (e *Engine) HoldLists() (release func()) {
	for range cap(e.lists) {
		e.lists <- struct{}{}
	}
	return func() {
		for range cap(e.lists) {
			<-e.lists
		}
	}
}
