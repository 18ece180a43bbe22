// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"slices"
	"sort"

	"github.com/google/go-cmp/cmp"
)

// checkWrites compares the answers to writes with the truth: what was acknowledged is
// there under the revision that was told, what was refused is not, and nothing is there
// that nobody asked for.
func checkWrites(h *history) []string {
	var wrong []string
	asked := map[string]*operation{}
	deletedAt := map[int64]*operation{}
	mayHaveDeleted := map[string]int{}
	for _, o := range h.ops {
		switch {
		case o.Verb == remove && o.Result == ok:
			deletedAt[o.reply.Revision] = o
		case o.Verb == remove && o.Result == unknown:
			mayHaveDeleted[o.Key]++
		case o.writes() && o.Verb != remove:
			asked[o.request.Value] = o
		}
	}
	for _, c := range h.events {
		switch o := asked[c.Value]; {
		case c.Void:
		case c.Deleted && deletedAt[c.Revision] != nil:
			wrong = append(wrong, compareDeletion(c, deletedAt[c.Revision])...)
			delete(deletedAt, c.Revision)
		case c.Deleted && mayHaveDeleted[c.Key] > 0:
			mayHaveDeleted[c.Key]--
		case c.Deleted || o == nil:
			wrong = append(wrong, fmt.Sprintf("nobody caused %+v", c))
		default:
			wrong = append(wrong, compareWrite(c, o)...)
			delete(asked, c.Value)
		}
	}
	for _, o := range asked {
		if o.Result == ok {
			wrong = append(wrong, "acknowledged and lost: "+describe(o))
		}
	}
	for _, o := range deletedAt {
		wrong = append(wrong, "acknowledged and lost: "+describe(o))
	}
	return wrong
}

func compareDeletion(c change, o *operation) []string {
	if c.Key != o.Key || c.Before != o.reply.Value {
		return []string{fmt.Sprintf("%s, but %+v", describe(o), c)}
	}
	return nil
}

func compareWrite(c change, o *operation) []string {
	replaced := c.Prev
	switch o.Verb {
	case create:
		replaced = 0
	case cas:
		replaced = o.request.Revision
	case update:
		if o.Result == ok {
			replaced = o.Read
		}
	default:
	}
	answered := o.Result == unknown || o.Result == ok && o.reply.Revision == c.Revision
	if c.Key != o.Key || c.Prev != replaced || !answered {
		return []string{fmt.Sprintf("%s, but %+v", describe(o), c)}
	}
	return nil
}

// checkLists compares every list with the state at its revision.
func checkLists(h *history) []string {
	var lists []*operation
	for _, o := range h.ops {
		if o.Verb == list && o.Result == ok {
			lists = append(lists, o)
		}
	}
	slices.SortFunc(lists, func(a, b *operation) int { return int(a.reply.Revision - b.reply.Revision) })
	var wrong []string
	state := map[string]item{}
	next := 0
	for _, o := range lists {
		for next < len(h.events) && h.events[next].Revision <= o.reply.Revision {
			applyChange(state, h.events[next])
			next++
		}
		if exact := o.request.Revision; exact != 0 && exact != o.reply.Revision {
			wrong = append(wrong, fmt.Sprintf("a list at %d was asked for, it shows %d", exact, o.reply.Revision))
		}
		if diff := compareState(state, o.Items); diff != "" {
			wrong = append(wrong, fmt.Sprintf("a list at %d (pages of %d) differs from the truth (-) in: %s", o.reply.Revision, o.Limit, diff))
		}
	}
	return wrong
}

func applyChange(state map[string]item, c change) {
	switch {
	case c.Void:
	case c.Deleted:
		delete(state, c.Key)
	default:
		state[c.Key] = c.item
	}
}

func compareState(state map[string]item, items []item) string {
	got := make(map[string]item, len(items))
	for _, i := range items {
		got[i.Key] = i
	}
	if len(got) == len(items) && len(got) == len(state) && !slices.ContainsFunc(items, func(i item) bool { return state[i.Key] != i }) {
		return ""
	}
	return cmp.Diff(state, got) + fmt.Sprintf("(%d items)", len(items))
}

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

// checkGets: a get that begins after a revision was told shows its key no older than at
// that revision.
func checkGets(h *history) []string {
	versions := map[string][]change{}
	for _, c := range h.events {
		versions[c.Key] = append(versions[c.Key], c)
	}
	var wrong []string
	known := newFloors(h.ops, h.sessions)
	for _, o := range h.ops {
		if o.Verb != get || o.Result != ok && o.Result != notFound {
			continue
		}
		of, floor := versions[o.Key], known.before(o.call)
		end := sort.Search(len(of), func(i int) bool { return of[i].Revision > floor })
		newest := slices.Clone(of[max(0, end-1):])
		if end == 0 {
			newest = append([]change{{Deleted: true}}, newest...)
		}
		if !slices.ContainsFunc(newest, func(c change) bool { return shows(o, c) }) {
			wrong = append(wrong, fmt.Sprintf("%s, when %d had been told before", describe(o), floor))
		}
	}
	return wrong
}

func shows(o *operation, c change) bool {
	if c.Deleted || o.Result == notFound {
		return c.Deleted && o.Result == notFound
	}
	return c.Revision == o.reply.Revision && c.Value == o.reply.Value
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
