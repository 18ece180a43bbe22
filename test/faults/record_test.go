// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"sync"
	"time"
)

// operation is one request and its answer, as a client saw them.
type operation struct {
	request
	reply

	client    int
	call, end int64 // ns since the start of the record
}

func (o *operation) writes() bool {
	switch o.Verb {
	case create, cas, update, remove:
		return true
	default:
		return false
	}
}

// record is what all clients were told, in no order.
type record struct {
	start time.Time

	mu       sync.Mutex
	ops      []*operation
	sessions []*session
	counts   map[result]int
	newest   int64
}

func newRecord() *record { return &record{start: time.Now(), counts: map[result]int{}} }

func (r *record) now() int64 { return int64(time.Since(r.start)) }

// do asks an engine and records question and answer.
func (r *record) do(client int, p *process, req request) reply {
	o := &operation{request: req, client: client, call: r.now()}
	o.reply = p.call(req)
	o.end = r.now()
	switch o.Result {
	case neverSent:
		return o.reply
	case lost:
		o.Result = unknown
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, o)
	r.counts[o.Result]++
	if o.Result == ok {
		r.newest = max(r.newest, o.reply.Revision)
	}
	return o.reply
}

// answered is the newest revision that any client was told.
func (r *record) answered() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest
}

// session is one watch from its start to its end, and what came before it.
type session struct {
	follower int
	engine   int
	topic    string // a key, or empty for all
	start    int64
	// listed says that the watch follows a list of its follower, at start.
	listed bool
	events []seen
	end    result
	reason string
}

type seen struct {
	event
	at int64
}

// position is up to where the watch has told everything.
func (s *session) position() int64 {
	if len(s.events) == 0 {
		return s.start
	}
	return s.events[len(s.events)-1].Revision
}

// history is a record that is complete, with what really happened.
type history struct {
	ops      []*operation
	sessions []*session
	// events is the truth, in order. No revision is missing but before a jump.
	events []change
	// compacted is the newest revision below which history was given up.
	compacted int64
}

// change is one row of the events table, with the value after it.
type change struct {
	item
	Prev    int64
	Deleted bool
	// Void concerns no object: a compaction, a jump.
	Void bool
	// Before is the value before the change.
	Before string
}
