// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"slices"
	"sort"

	"github.com/google/go-cmp/cmp"
)

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
