// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reconnection says in which order engines reach the server that took over: each
// group waits until the one before has moved the revisions.
type reconnection struct {
	reason string
	groups [][]int
	// restarted are engines that died meanwhile: they remember no revision.
	restarted []int
}

var reconnections = map[string]reconnection{
	"together":            {"all find it at once", [][]int{{0, 1, 2}}, nil},
	"one by one":          {"the first moves the revisions, the others find them moved", [][]int{{0}, {1}, {2}}, nil},
	"the other way round": {"the first is another one", [][]int{{2}, {1}, {0}}, nil},
	"one new, first":      {"what knows nothing must not go on as if nothing had happened", [][]int{{0}, {1, 2}}, []int{0}},
	"one new, last":       {"it finds the revisions moved", [][]int{{1, 2}, {0}}, []int{0}},
	"all new":             {"nobody remembers a revision", [][]int{{0}, {1, 2}}, []int{0, 1, 2}},
}

// jumped is a revision that only the guard reaches: it takes the time for a counter.
const jumped = int64(1) << 50

// switchTo lets the engines find another server.
func (c *cluster) switchTo(s *postgresServer, r reconnection) {
	c.mu.Lock()
	c.server = s
	c.mu.Unlock()
	// The revisions before the jump are soon deleted.
	survived, err := queryOne[int64](s, "postgres", "kite", "SELECT max(rv) FROM faults.events")
	require.NoError(c.t, err)
	require.Eventually(c.t, func() bool { return c.ref.at() >= survived }, patience, time.Millisecond, "no event %d", survived)
	for _, slot := range c.slots {
		slot.proxy.set(func() { slot.proxy.refused, slot.proxy.target = true, s.socket() })
		slot.proxy.cut()
	}
	for _, i := range r.restarted {
		c.slots[i].process().kill()
		c.startEngine(c.slots[i])
	}
	for i, group := range r.groups {
		for _, n := range group {
			c.slots[n].proxy.mend()
		}
		if i < len(r.groups)-1 {
			s.await(c.t, "SELECT max(rv) > $1 FROM faults.events", jumped)
		}
	}
	for _, f := range c.watchers {
		require.Eventually(c.t, func() bool { return f.at() > jumped }, patience, 5*time.Millisecond,
			"follower %d goes on with what is lost", f.number)
	}
}

// A synchronous standby has every write that was acknowledged, so that the whole truth
// survives, and all checks apply.
func TestSynchronousFailover(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"together", "one new, first"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, seed(t))
			standby := c.server.standby(t)
			c.server.requireSync(t)
			c.follow()
			c.startLoad()
			c.progress(50)
			c.server.crash()
			standby.promote(t)
			c.switchTo(standby, reconnections[name])
			c.progress(20)
			h := c.finish()
			require.Equal(t, 1, jumps(h), reconnections[name].reason)
			verify(t, h)
		})
	}
}

func jumps(h *history) int {
	count := 0
	for i, c := range h.events {
		if i > 0 && c.Revision != h.events[i-1].Revision+1 {
			count++
		}
	}
	return count
}

// An asynchronous standby lacks the newest writes. They are lost, but nobody is told
// their revisions for something else, nobody sees time go back, and no copy keeps them.
func TestAsynchronousFailover(t *testing.T) {
	t.Parallel()
	for name, r := range reconnections {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, seed(t))
			standby := c.server.standby(t)
			c.follow()
			c.startLoad()
			c.progress(30)
			standby.detach(t)
			c.progress(30)
			c.server.crash()
			standby.promote(t)
			c.loseTail(standby, r)
		})
	}
}

// A backup that is put back is the same database for all that it says itself. Only what
// the engines remember tells. One that remembers nothing comes last here: alone, it
// could not know.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"together", "one by one", "one new, last"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, seed(t))
			c.follow()
			c.startLoad()
			c.progress(30)
			backup := c.server.backup(t)
			c.progress(30)
			c.server.crash()
			backup.start(t)
			c.loseTail(backup, reconnections[name])
		})
	}
}

// loseTail goes on with a server that lacks what was written last.
func (c *cluster) loseTail(s *postgresServer, r reconnection) {
	c.t.Helper()
	survived, err := queryOne[int64](s, "postgres", "kite", "SELECT max(rv) FROM faults.events")
	require.NoError(c.t, err)
	require.Greater(c.t, c.rec.answered(), survived, "nothing was lost")
	c.ref.stop() // it knows the lost branch
	c.ref = startReference(c.t, schemaName, func() *postgresServer { return s })
	c.switchTo(s, r)
	switched := c.rec.now()
	c.progress(20)
	h := c.finish()
	require.Equal(c.t, 1, jumps(h), r.reason)
	verify(c.t, h, "order", "content")
	verify(c.t, since(h, switched), "lists", "gets", "watches")
}

// since is the part of a history that the truth of the surviving branch explains: what
// was asked after a moment, and watches that began behind the jump.
func since(h *history, at int64) *history {
	part := &history{events: h.events, compacted: h.compacted}
	for _, o := range h.ops {
		if o.call >= at {
			part.ops = append(part.ops, o)
		}
	}
	for _, s := range h.sessions {
		if s.start > jumped {
			part.sessions = append(part.sessions, s)
		}
	}
	return part
}

// A write that waits for the standby when its connection is lost is not yet safe, even
// if the primary has it. Nobody may be told that it is.
func TestWriteThatTheStandbyLacks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, seed(t))
	standby := c.server.standby(t)
	c.server.requireSync(t)
	s := c.slots[0]
	require.Equal(t, ok, s.process().call(request{Verb: create, Key: "a", Value: "safe"}).Result)
	standby.detach(t)
	_, replies := s.process().send(request{Verb: update, Key: "a", Value: "unsafe"}, 1)
	c.server.await(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	s.proxy.cutSilently(t)
	c.server.await(t, "SELECT count(*) = 1 FROM faults.events WHERE key = '/pods/ns/a' AND op = 'P' AND prev_rv > 0")
	pause(t.Context(), time.Second) // a wrong answer comes at once
	c.server.crash()
	standby.promote(t)
	c.switchTo(standby, reconnections["together"])
	answer := <-replies
	var found reply
	require.Eventually(t, func() bool {
		found = c.slots[1].process().call(request{Verb: get, Key: "a"})
		return found.Result == ok
	}, patience, 10*time.Millisecond)
	if answer.Result == ok {
		require.Equal(t, "unsafe", found.Value, "an acknowledged write is lost")
	}
}
