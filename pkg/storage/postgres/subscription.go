// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// subscription is one watch's cursor in the feed.
type subscription struct {
	feed  *feed
	topic string
	wake  chan struct{}
	// batch is what next has returned; it is used again.
	batch []*event

	// guarded by feed.mu
	cursor int64
	// idle says that everything up to the feed's position has been taken; cursor then
	// has no meaning.
	idle     bool
	lost     bool
	progress bool
}

// subscribe starts a cursor at a revision: the first event is the next one of the
// topic, a key or a prefix that ends in a slash. The caller calls cancel.
func (f *feed) subscribe(topic string, rev int64) *subscription {
	s := &subscription{feed: f, topic: topic, cursor: rev, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.topics[topic] == nil {
		f.topics[topic] = &topicSubscriptions{members: map[*subscription]struct{}{}, told: -1}
	}
	f.topics[topic].members[s] = struct{}{}
	s.lost = rev < f.compacted
	if f.started && rev <= f.pos {
		s.rest()
	} else {
		f.ahead[s] = struct{}{}
	}
	watches.Inc()
	return s
}

// rest makes a subscription idle that nothing in the ring concerns, or else wakes it.
// The feed does that itself: a watch that waits must not depend on being woken before
// its cursor falls out of history. The caller holds feed.mu.
func (s *subscription) rest() {
	f := s.feed
	if s.cursor >= f.base {
		concerning, _ := f.after(nil, s.topic, s.cursor)
		s.idle = len(concerning) == 0
	}
	s.signal()
}

func (s *subscription) cancel() {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ahead, s)
	delete(f.topics[s.topic].members, s)
	if len(f.topics[s.topic].members) == 0 {
		delete(f.topics, s.topic)
	}
	watches.Dec()
}

func (s *subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next waits for events, or for progress when that or tick asks for it. It returns the
// events in order, until the next call, and the revision up to which they are complete;
// no events mean that nothing happened up to there. errCompacted ends the subscription.
func (s *subscription) next(ctx context.Context, tick <-chan time.Time) ([]*event, int64, error) {
	for {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		events, upTo, from, err := s.poll()
		if err != nil || len(events) > 0 {
			return events, upTo, err
		}
		if from > 0 {
			events, upTo, err = s.history(ctx, from, upTo)
			if errors.Is(err, errCompacted) || len(events) > 0 {
				return events, upTo, err
			}
			if err == nil {
				continue
			}
			s.retryLater()
			upTo = 0
		}
		if upTo > 0 {
			return nil, upTo, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-tick:
			s.wantProgress()
		case <-s.wake:
		}
	}
}

// poll looks into the ring. A from above zero says that the table has to be read from
// there up to upTo; an upTo without events or from is progress; neither means wait.
func (s *subscription) poll() (events []*event, upTo, from int64, err error) {
	f := s.feed
	clear(s.batch) // a watch that waits keeps no events alive
	s.batch = s.batch[:0]
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken != nil:
		return nil, 0, 0, f.broken
	case s.lost:
		return nil, 0, 0, errCompacted
	case !f.started || (!s.idle && s.cursor > f.pos):
		return nil, 0, 0, nil // a revision that this process has not read yet
	case !s.idle && s.cursor < f.base:
		return nil, f.pos, s.cursor, nil
	}
	if !s.idle {
		s.batch, s.cursor = f.after(s.batch, s.topic, s.cursor)
		s.idle = s.cursor == f.pos
		if len(s.batch) > 0 {
			return s.batch, s.cursor, 0, nil
		}
	}
	if s.progress {
		s.progress = false
		return nil, f.pos, 0, nil
	}
	return nil, 0, 0, nil
}

// retryLater ends a wait after a pause: the database is away, and that ends no watch.
func (s *subscription) retryLater() {
	s.feed.engine.cfg.Clock.AfterFunc(idlePoll, s.signal)
}

func (s *subscription) wantProgress() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.progress = true
}

// history reads a page of the topic's events in (from, upTo] from the table. That
// compact_rv is still not above from afterwards proves that none was missing.
func (s *subscription) history(ctx context.Context, from, upTo int64) ([]*event, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	historyReads.Inc()
	e := s.feed.engine
	lo, hi := keyRange(s.topic)
	rows, err := e.pool.Query(ctx, historySQL, lo, hi, from, upTo, watchRows, watchBytes)
	if err != nil {
		return nil, 0, fmt.Errorf("read events after %d: %w", from, err)
	}
	events, more, err := scanEvents(rows, watchRows)
	if err != nil {
		return nil, 0, fmt.Errorf("read events after %d: %w", from, err)
	}
	_, compacted, err := revisions(ctx, e.pool)
	if err != nil {
		return nil, 0, err
	}
	if from < compacted {
		return nil, 0, errCompacted
	}
	if more {
		upTo = events[len(events)-1].rev
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.cursor = upTo
	return events, upTo, nil
}

// topicOf is the topic of a request: all keys under key, or key alone. No object's key
// ends in a slash, so that such a key alone is a topic in which nothing happens.
func topicOf(key string, recursive bool) string {
	if !recursive && strings.HasSuffix(key, "/") {
		return key + "\x01"
	}
	return key
}

// keyRange is the half-open range of a key, or of a prefix that ends in a slash. No
// text can follow a key and sort before the key with U+0001: PostgreSQL has no U+0000.
func keyRange(topic string) (lo, hi string) {
	if last := len(topic) - 1; last >= 0 && topic[last] == '/' {
		return topic, topic[:last] + "0" // '0' is the byte after '/'
	}
	return topic, topic + "\x01"
}
