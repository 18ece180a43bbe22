// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// newTestFeed is the feed of an engine without a database that has read up to a revision.
func newTestFeed(pos int64) *feed {
	e := &Engine{}
	e.feed = newFeed(e)
	e.feed.base, e.feed.pos, e.feed.started = pos, pos, true
	e.learn(pos)
	return e.feed
}

func put(key string, expect, rev int64) (*operation, outcome) {
	op := &operation{key: key, expect: expect, value: []byte(key)}
	if expect > 0 {
		op.before = []byte("before")
	}
	return op, outcome{rev: rev}
}

func revisionsOf(events []*event) []int64 {
	var revs []int64
	for _, ev := range events {
		revs = append(revs, ev.rev)
	}
	return revs
}

func TestFeedTakesOwnBatchesInOrderOnly(t *testing.T) {
	t.Parallel()
	a, outA := put("/pods/a", 0, 11)
	b, outB := put("/pods/b", 5, 12)
	refused, outRefused := &operation{key: "/pods/c", expect: 3}, outcome{current: version{rev: 4}}
	unknown, outUnknown := &operation{key: "/pods/d", expect: 3, delete: true}, outcome{rev: 11}
	for name, tc := range map[string]struct {
		reason   string
		pos      int64
		batch    []*operation
		outcomes []outcome
		want     []int64
	}{
		"next":           {"nothing came between", 10, []*operation{a, refused, b}, []outcome{outA, outRefused, outB}, []int64{11, 12}},
		"behind another": {"revision 10 is another's, and is not here yet", 9, []*operation{a, b}, []outcome{outA, outB}, nil},
		"already read":   {"the feed was faster", 12, []*operation{a, b}, []outcome{outA, outB}, nil},
		"unknown before": {"nobody read what the deletion replaced", 10, []*operation{unknown}, []outcome{outUnknown}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newTestFeed(tc.pos)
			s := f.subscribe("/pods/", tc.pos)
			t.Cleanup(s.cancel)
			f.engine.publish(tc.batch, tc.outcomes)
			events, _, _, err := s.poll()
			require.NoError(t, err)
			require.Equal(t, tc.want, revisionsOf(events), tc.reason)
			if tc.want == nil {
				require.Len(t, f.wake, 1, "the feed has to read")
				return
			}
			require.Equal(t, "before", string(events[1].prevValue))
			require.EqualValues(t, 5, events[1].prevRev)
		})
	}
}

// The feed was reading while an own batch was offered: what it read twice is told once.
func TestFeedSkipsWhatWasOffered(t *testing.T) {
	t.Parallel()
	f := newTestFeed(10)
	s := f.subscribe("/pods/", 10)
	t.Cleanup(s.cancel)
	a, outA := put("/pods/a", 0, 11)
	f.engine.publish([]*operation{a}, []outcome{outA})
	require.NoError(t, f.publish(t.Context(), []*event{{rev: 11, key: "/pods/a"}, {rev: 12, key: "/pods/b"}}, 0))
	events, upTo, _, err := s.poll()
	require.NoError(t, err)
	require.Equal(t, []int64{11, 12}, revisionsOf(events))
	require.EqualValues(t, 12, upTo)
}

func TestRecentIsNeverOlderThanWhatIsKnown(t *testing.T) {
	t.Parallel()
	f := newTestFeed(10)
	e := f.engine
	_, ok := e.recent("/pods/a")
	require.False(t, ok, "never seen")
	a, outA := put("/pods/a", 0, 11)
	e.publish([]*operation{a}, []outcome{outA})
	v, ok := e.recent("/pods/a")
	require.True(t, ok)
	require.Equal(t, version{rev: 11, value: []byte("/pods/a")}, v)

	e.learn(12)
	_, ok = e.recent("/pods/a")
	require.False(t, ok, "revision 12 may be of this key")
	require.NoError(t, f.publish(t.Context(), []*event{{rev: 12, key: "/pods/a", deleted: true}}, 0))
	_, ok = e.recent("/pods/a")
	require.False(t, ok, "deleted")
}

func TestRecentForgetsWithTheRing(t *testing.T) {
	t.Parallel()
	f := newTestFeed(10)
	old, outOld := put("/pods/old", 0, 11)
	f.engine.publish([]*operation{old}, []outcome{outOld})
	for i := range int64(ringEvents) {
		op, out := put("/pods/new", 0, 12+i)
		f.engine.publish([]*operation{op}, []outcome{out})
	}
	require.Len(t, f.newest, 1)
	_, ok := f.engine.recent("/pods/old")
	require.False(t, ok)
	_, ok = f.engine.recent("/pods/new")
	require.True(t, ok)
}
