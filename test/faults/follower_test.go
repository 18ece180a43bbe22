// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const bookmarkInterval = 25 * time.Millisecond

// follower is what an informer is: it lists, watches, keeps a copy, goes on at another
// engine when its watch ends, and lists anew when it is told to.
type follower struct {
	c      *cluster
	number int
	topic  string
	random *rand.Rand

	mu       sync.Mutex
	cache    map[string]item
	position int64
	lists    int
}

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	engine := f.number
	stale := true
	for ctx.Err() == nil {
		engine = f.another(engine)
		p := f.c.slots[engine].process()
		if stale && !f.list(p) {
			pause(ctx, 10*time.Millisecond)
			continue
		}
		s := &session{follower: f.number, engine: engine, topic: f.topic, start: f.at(), listed: stale}
		f.watch(ctx, p, s)
		f.c.rec.mu.Lock()
		f.c.rec.sessions = append(f.c.rec.sessions, s)
		f.c.rec.mu.Unlock()
		stale = s.end == expired
		if s.end == neverSent || s.end == lost {
			pause(ctx, 10*time.Millisecond)
		}
	}
}

func (f *follower) another(engine int) int {
	return (engine + 1 + f.random.IntN(len(f.c.slots)-1)) % len(f.c.slots)
}

func (f *follower) list(p *process) bool {
	r := f.c.rec.do(followers+f.number, p, request{Verb: list})
	if r.Result != ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cache, f.position = map[string]item{}, r.Revision
	f.lists++
	for _, i := range r.Items {
		if f.topic == "" || f.topic == i.Key {
			f.cache[i.Key] = i
		}
	}
	return true
}

// watch reads one watch to its end, which comes from its engine, from ctx, or when it
// has been long enough: then the follower goes on elsewhere.
func (f *follower) watch(ctx context.Context, p *process, s *session) {
	id, replies := p.send(request{Verb: watching, Key: f.topic, Revision: s.start}, 1024)
	ctx, stop := context.WithTimeout(ctx, time.Duration(200+f.random.IntN(3000))*time.Millisecond)
	defer stop()
	for enough := ctx.Done(); ; {
		select {
		case <-enough:
			p.send(request{Verb: cancel, Target: id}, 1)
			enough = nil
		case r := <-replies:
			if r.Result != streaming {
				s.end, s.reason = r.Result, r.Message
				return
			}
			s.events = append(s.events, seen{*r.Event, f.c.rec.now()})
			f.apply(*r.Event)
		}
	}
}

func (f *follower) apply(ev event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = ev.Revision
	switch ev.Type {
	case "BOOKMARK":
	case "DELETED":
		delete(f.cache, ev.Key)
	default:
		f.cache[ev.Key] = ev.item
	}
}

// at is the revision up to which the follower has seen everything.
func (f *follower) at() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position
}
