// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// story is a short history without faults: a is created at 2 and changed at 3, b is
// created at 4, a deleted at 5; b is changed at 6, which its client was never told, and
// history is given up below 3 at 7. A watch sees everything and goes on elsewhere.
func story() *history {
	op := func(at int64, req request, r reply) *operation {
		return &operation{request: req, reply: r, call: at, end: at + 5}
	}
	event := func(at int64, kind, key string, rev int64, value string) seen {
		return seen{event{kind, item{key, rev, value}}, at}
	}
	return &history{
		ops: []*operation{
			op(10, request{Verb: create, Key: "a", Value: "v1"}, reply{Result: ok, Revision: 2}),
			op(20, request{Verb: cas, Key: "a", Value: "v2", Revision: 2}, reply{Result: ok, Revision: 3, Read: 2}),
			op(21, request{Verb: get, Key: "a"}, reply{Result: ok, Revision: 2, Value: "v1"}),
			op(30, request{Verb: create, Key: "b", Value: "v3"}, reply{Result: ok, Revision: 4}),
			op(36, request{Verb: create, Key: "b", Value: "v4"}, reply{Result: exists}),
			op(37, request{Verb: cas, Key: "a", Value: "v5", Revision: 2}, reply{Result: conflict}),
			op(40, request{Verb: list}, reply{Result: ok, Revision: 4, Items: []item{{"a", 3, "v2"}, {"b", 4, "v3"}}}),
			op(50, request{Verb: remove, Key: "a"}, reply{Result: ok, Revision: 5, Value: "v2"}),
			op(56, request{Verb: get, Key: "a"}, reply{Result: notFound}),
			op(60, request{Verb: update, Key: "b", Value: "v6"}, reply{Result: unknown}),
			op(61, request{Verb: update, Key: "b", Value: "v7"}, reply{Result: refused}),
			op(62, request{Verb: update, Key: "b", Value: "v8"}, reply{Result: unknown}),
			op(70, request{Verb: get, Key: "b"}, reply{Result: ok, Revision: 6, Value: "v6"}),
			op(80, request{Verb: list, Revision: 3}, reply{Result: ok, Revision: 3, Items: []item{{"a", 3, "v2"}}}),
			op(81, request{Verb: current}, reply{Result: ok, Revision: 7}),
		},
		sessions: []*session{
			{start: 1, listed: true, end: ended, events: []seen{
				event(12, "ADDED", "a", 2, "v1"), event(22, "MODIFIED", "a", 3, "v2"), event(23, "BOOKMARK", "", 3, ""),
				event(32, "ADDED", "b", 4, "v3"),
			}},
			{start: 4, end: lost, events: []seen{event(52, "DELETED", "a", 5, "v2"), event(63, "MODIFIED", "b", 6, "v6")}},
			{follower: 1, topic: "b", start: 1, listed: true, end: expired, events: []seen{event(24, "BOOKMARK", "", 2, "")}},
		},
		events: []change{
			{item: item{Revision: 1}, Void: true},
			{item: item{"a", 2, "v1"}},
			{item: item{"a", 3, "v2"}, Prev: 2, Before: "v1"},
			{item: item{"b", 4, "v3"}},
			{item: item{"a", 5, "v2"}, Prev: 3, Before: "v2", Deleted: true},
			{item: item{"b", 6, "v6"}, Prev: 4, Before: "v3"},
			{item: item{Revision: 7}, Void: true},
		},
		compacted: 3,
	}
}

func TestChecksAcceptTheTruth(t *testing.T) {
	t.Parallel()
	h := story()
	for name, check := range checks {
		require.Empty(t, check(h), name)
	}
}

// TestChecksFindLies changes one thing in the story, and says which checks must see it.
func TestChecksFindLies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		lie    func(h *history)
		seenBy []string
	}{
		"lost write": {
			"what was acknowledged must stay", func(h *history) { h.ops[0].request.Value = "gone" },
			[]string{"content", "linearizability", "writes"},
		},
		"wrong revision": {
			"two replicas must not give out one revision", func(h *history) { h.ops[3].reply.Revision = 3 },
			[]string{"content", "order", "writes"},
		},
		"refused and done": {
			"503 says that nothing happened", func(h *history) { h.ops[9].Result = refused },
			[]string{"linearizability", "writes"},
		},
		"lost update": {
			"an update replaces what it has read", func(h *history) { h.events[2].Prev = 1; h.ops[1].request.Revision = 1 },
			[]string{"linearizability"},
		},
		"replaced another": {
			"the history says what a write replaced", func(h *history) { h.events[2].Prev = 1 },
			[]string{"writes"},
		},
		"stale get": {
			"a read sees what was acknowledged before", func(h *history) { h.ops[12].reply.Revision, h.ops[12].reply.Value = 4, "v3" },
			[]string{"gets"},
		},
		"get of a deleted object": {
			"a deletion is for all", func(h *history) { h.ops[8].reply = reply{Result: ok, Revision: 3, Value: "v2"} },
			[]string{"gets", "linearizability"},
		},
		"wrong conflict": {
			"only another revision is a conflict", func(h *history) { h.ops[5].request.Revision = 3 },
			[]string{"linearizability"},
		},
		"deletion of another version": {
			"the caller learns what was deleted", func(h *history) { h.ops[7].reply.Value = "v1" },
			[]string{"content", "linearizability", "writes"},
		},
		"list without an object": {
			"a list is the state at its revision", func(h *history) { h.ops[6].Items = h.ops[6].Items[:1] },
			[]string{"lists"},
		},
		"list with an object twice": {
			"pages do not overlap", func(h *history) { h.ops[6].Items = append(h.ops[6].Items, h.ops[6].Items[0]) },
			[]string{"lists"},
		},
		"list of the past": {
			"time does not go back", func(h *history) {
				h.ops[6].reply = reply{Result: ok, Revision: 3, Items: []item{{"a", 3, "v2"}}}
			},
			[]string{"order"},
		},
		"revision of the past": {
			"time does not go back", func(h *history) { h.ops[14].reply.Revision = 5 },
			[]string{"order"},
		},
		"event missing": {
			"a watch has no gap", func(h *history) { h.sessions[1].events = h.sessions[1].events[1:] },
			[]string{"watches"},
		},
		"event twice": {
			"a watch tells each event once", func(h *history) {
				s := h.sessions[1]
				s.events = append(s.events[:1:1], s.events...)
			},
			[]string{"watches"},
		},
		"events swapped": {
			"a watch keeps the order", func(h *history) {
				e := h.sessions[1].events
				e[0].event, e[1].event = e[1].event, e[0].event
			},
			[]string{"watches"},
		},
		"newer object": {
			"an event carries the object of its revision", func(h *history) { h.sessions[0].events[0].Value = "v2" },
			[]string{"content", "watches"},
		},
		"deletion without the object": {
			"a deletion carries what was deleted", func(h *history) { h.sessions[1].events[0].Value = "" },
			[]string{"content", "watches"},
		},
		"bookmark ahead": {
			"after a bookmark nothing older comes", func(h *history) { h.sessions[0].events[2].Revision = 4 },
			[]string{"watches"},
		},
		"expired without reason": {
			"410 means that history was given up", func(h *history) { h.compacted = 2 },
			[]string{"watches"},
		},
		"ended by an outage": {
			"a lost connection ends no watch", func(h *history) { h.sessions[0].end = refused },
			[]string{"watches"},
		},
		"resumed elsewhere": {
			"a follower goes on where it was", func(h *history) { h.sessions[1].start = 3 },
			[]string{"watches"},
		},
		"event that nobody caused": {
			"history holds what clients wrote", func(h *history) { h.events[1].Key = "c" },
			[]string{"lists", "watches", "writes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := story()
			tc.lie(h)
			var seenBy []string
			for check, run := range checks {
				if len(run(h)) > 0 {
					seenBy = append(seenBy, check)
				}
			}
			require.Subset(t, seenBy, tc.seenBy, tc.reason)
		})
	}
}
