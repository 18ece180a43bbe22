// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"slices"
	"sort"
)

// told is a moment at which somebody was told a revision.
type told struct{ at, revision int64 }

// floors are the revisions that everybody could know of, by time.
type floors []told

// newFloors takes all that was answered to requests and told to watches.
func newFloors(ops []*operation, sessions []*session) floors {
	var all floors
	for _, o := range ops {
		if o.Result == ok && o.reply.Revision > 0 {
			all = append(all, told{o.end, o.reply.Revision})
		}
	}
	for _, s := range sessions {
		for _, ev := range s.events {
			all = append(all, told{ev.at, ev.Revision})
		}
	}
	slices.SortFunc(all, func(a, b told) int { return int(a.at - b.at) })
	for i := 1; i < len(all); i++ {
		all[i].revision = max(all[i].revision, all[i-1].revision)
	}
	return all
}

// before is the newest revision that was told before a moment.
func (f floors) before(at int64) int64 {
	i := sort.Search(len(f), func(i int) bool { return f[i].at >= at })
	if i == 0 {
		return 0
	}
	return f[i-1].revision
}

// checkOrder: what begins after a revision was told, to anybody, answers at that
// revision or later. This needs no truth, and holds whatever becomes of the database.
func checkOrder(h *history) []string {
	var wrong []string
	known := newFloors(h.ops, h.sessions)
	for _, o := range h.ops {
		exact := o.Verb == list && o.request.Revision > 0
		if o.Result != ok || o.Verb == get || o.Verb == compact || exact {
			continue
		}
		if floor := known.before(o.call); o.reply.Revision < floor || o.writes() && o.reply.Revision == floor {
			wrong = append(wrong, fmt.Sprintf("%s, when %d had been told before", describe(o), floor))
		}
	}
	return wrong
}

// checkContent: a revision has one content, whoever tells it, whenever. Like checkOrder
// it holds over a lost tail as well.
func checkContent(h *history) []string {
	type content struct {
		item
		deleted bool
	}
	var wrong []string
	by := map[int64]content{}
	note := func(i item, deleted bool) {
		c := content{i, deleted}
		if other, ok := by[i.Revision]; ok && other != c {
			wrong = append(wrong, fmt.Sprintf("revision %d is %+v and %+v", i.Revision, other, c))
		}
		by[i.Revision] = c
	}
	for _, o := range h.ops {
		switch {
		case o.Result != ok:
		case o.Verb == remove:
			note(item{o.Key, o.reply.Revision, o.reply.Value}, true)
		case o.writes():
			note(item{o.Key, o.reply.Revision, o.request.Value}, false)
		case o.Verb == get:
			note(item{o.Key, o.reply.Revision, o.reply.Value}, false)
		case o.Verb == list:
			for _, i := range o.Items {
				note(i, false)
			}
		}
	}
	for _, s := range h.sessions {
		for _, ev := range s.events {
			if ev.Type != "BOOKMARK" {
				note(ev.item, ev.Type == "DELETED")
			}
		}
	}
	return wrong
}
