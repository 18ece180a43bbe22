// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"slices"
	"sort"
)

// checkWatches compares each watch with the truth: the events of its topic from its
// start to its end, each once, in order, none missing, nothing but these; bookmarks only
// where nothing more will come; and no end without a reason.
func checkWatches(h *history) []string {
	var wrong []string
	for _, s := range h.sessions {
		if problem := checkSession(h, s); problem != "" {
			wrong = append(wrong, fmt.Sprintf("follower %d, watch of %q from %d on engine %d: %s", s.follower, s.topic, s.start, s.engine, problem))
		}
	}
	return append(wrong, checkResumption(h.sessions)...)
}

func checkSession(h *history, s *session) string {
	next := sort.Search(len(h.events), func(i int) bool { return h.events[i].Revision > s.start })
	at := s.start
	for _, got := range s.events {
		if got.Revision < at || got.Revision == at && got.Type != "BOOKMARK" {
			return fmt.Sprintf("%+v after %d", got.event, at)
		}
		at = got.Revision
		next = skipOthers(h.events, next, s.topic)
		if got.Type == "BOOKMARK" {
			if next < len(h.events) && h.events[next].Revision <= at {
				return fmt.Sprintf("bookmark %d before event %+v", at, h.events[next])
			}
			continue
		}
		if next == len(h.events) || toldAs(h.events[next]) != got.event {
			return fmt.Sprintf("%+v, want %+v", got.event, h.events[min(next, len(h.events)-1)])
		}
		next++
	}
	switch {
	case s.end == expired && s.position() >= h.compacted:
		return fmt.Sprintf("expired at %d, but history was kept from %d", s.position(), h.compacted)
	case !slices.Contains([]result{expired, lost, ended, neverSent}, s.end):
		return fmt.Sprintf("ended: %s %s", s.end, s.reason)
	}
	return ""
}

// skipOthers returns the index of the next event of the topic.
func skipOthers(events []change, from int, topic string) int {
	for i, c := range events[from:] {
		if !c.Void && (topic == "" || topic == c.Key) {
			return from + i
		}
	}
	return len(events)
}

// toldAs is what a watch says of a change.
func toldAs(c change) event {
	switch {
	case c.Deleted:
		return event{Type: "DELETED", item: item{c.Key, c.Revision, c.Before}}
	case c.Prev == 0:
		return event{Type: "ADDED", item: c.item}
	default:
		return event{Type: "MODIFIED", item: c.item}
	}
}

// checkResumption: a follower goes on where it was, or lists anew and then is not
// further back than before.
func checkResumption(sessions []*session) []string {
	var wrong []string
	last := map[int]*session{}
	for _, s := range sessions {
		before := last[s.follower]
		last[s.follower] = s
		switch {
		case before == nil:
		case s.listed && s.start < before.position():
			wrong = append(wrong, fmt.Sprintf("follower %d listed at %d when it had seen %d", s.follower, s.start, before.position()))
		case !s.listed && (s.start != before.position() || before.end == expired):
			wrong = append(wrong, fmt.Sprintf("follower %d went on at %d when it had seen %d", s.follower, s.start, before.position()))
		}
	}
	return wrong
}
