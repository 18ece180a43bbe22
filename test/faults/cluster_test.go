// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/storage/postgres"
)

const (
	schemaName = "faults"
	engines    = 3
	// followers is the number of the first follower among the clients.
	followers = 1000
	// patience bounds every wait for something that must happen.
	patience = 30 * time.Second
)

// cluster is three engines behind a proxy each, on one server, with their clients.
type cluster struct {
	t      testing.TB
	rec    *record
	ref    *reference
	slots  []*slot
	random *rand.Rand // of the test's own goroutine

	mu     sync.Mutex
	server *postgresServer

	// What ends the clients, and then the followers.
	stopLoad, stopFollowing context.CancelFunc
	load, following         sync.WaitGroup
	watchers                []*follower
	workers                 atomic.Int64
}

// slot is an engine's place: when its process dies a new one takes it.
type slot struct {
	proxy *proxy
	acks  atomic.Int64

	mu   sync.Mutex
	proc *process
}

func (s *slot) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

func newCluster(t testing.TB, seed uint64) *cluster {
	t.Helper()
	c := &cluster{t: t, rec: newRecord(), server: newPostgres(t), random: rand.New(rand.NewPCG(seed, 0))}
	_, _, err := postgres.Migrate(t.Context(), postgres.Config{DSN: c.server.dsn("kite", "kite"), Schema: schemaName})
	require.NoError(t, err)
	for range engines {
		s := &slot{proxy: newProxy(t, c.server.socket())}
		c.slots = append(c.slots, s)
		c.startEngine(s)
	}
	t.Cleanup(func() {
		for _, s := range c.slots {
			s.process().kill()
		}
	})
	c.ref = startReference(t, schemaName, c.primary)
	return c
}

// startEngine gives a place a fresh process, without any memory.
func (c *cluster) startEngine(s *slot) {
	p := startProcess(c.t, engineConfig{DSN: s.proxy.dsn(c.primary()), Schema: schemaName})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc = p
}

// primary is the server that clients should reach.
func (c *cluster) primary() *postgresServer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// follow starts followers: of everything, and of single keys.
func (c *cluster) follow() {
	ctx, stop := context.WithCancel(context.Background())
	c.stopFollowing = stop
	c.t.Cleanup(func() {
		stop()
		c.releaseAll()
		c.following.Wait()
	})
	for i, topic := range []string{"", "", "", "", keyName(0, 0), keyName(0, 1)} {
		f := &follower{c: c, number: i, topic: topic, random: rand.New(rand.NewPCG(c.random.Uint64(), 0))}
		c.watchers = append(c.watchers, f)
		c.following.Go(func() { f.run(ctx) })
	}
}

// releaseAll ends what would keep clients waiting.
func (c *cluster) releaseAll() {
	for _, s := range c.slots {
		s.proxy.mend()
		s.process().signal(cont)
	}
}

// progress waits until every engine has answered some more requests as wished.
func (c *cluster) progress(atLeast int64) {
	c.t.Helper()
	var want []int64
	for _, s := range c.slots {
		want = append(want, s.acks.Load()+atLeast)
	}
	require.Eventually(c.t, func() bool {
		for i, s := range c.slots {
			if s.acks.Load() < want[i] {
				return false
			}
		}
		return true
	}, patience, 5*time.Millisecond, "the engines do not recover")
}

// finish ends the load, waits until all followers have seen everything, and ends all.
func (c *cluster) finish() *history {
	c.t.Helper()
	c.stopLoad()
	c.load.Wait()
	final := c.converge()
	c.stopFollowers()
	for _, s := range c.slots {
		s.process().stop()
	}
	events, compacted := c.ref.finish(c.t)
	c.rec.mu.Lock()
	defer c.rec.mu.Unlock()
	c.t.Logf("%d operations: %v; %d events to revision %d, %d watches", len(c.rec.ops), c.rec.counts, len(events), final.Revision, len(c.rec.sessions))
	return &history{ops: c.rec.ops, sessions: c.rec.sessions, events: events, compacted: compacted}
}

// converge waits until every follower's copy equals the final list of each engine.
func (c *cluster) converge() reply {
	c.t.Helper()
	var final reply
	for i, s := range c.slots {
		require.Eventually(c.t, func() bool {
			final = c.rec.do(i, s.process(), request{Verb: list})
			return final.Result == ok
		}, patience, 10*time.Millisecond, "no final list")
	}
	c.ref.requireGapless(c.t, final.Revision)
	for _, f := range c.watchers {
		require.Eventually(c.t, func() bool { return f.at() >= final.Revision }, patience, 5*time.Millisecond,
			"follower %d of %q stays behind %d", f.number, f.topic, final.Revision)
		f.mu.Lock()
		want := map[string]item{}
		for _, i := range final.Items {
			if f.topic == "" || f.topic == i.Key {
				want[i.Key] = i
			}
		}
		require.Equal(c.t, want, f.cache, "the copy of follower %d", f.number)
		f.mu.Unlock()
	}
	return final
}

func (c *cluster) stopFollowers() {
	c.stopFollowing()
	c.following.Wait()
}
