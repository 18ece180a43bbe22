// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	workersPerEngine = 4
	keys             = 8
	// generationSize is how many requests use the same keys: the search for an order of
	// a key's operations takes more than linear time and space.
	generationSize = 3000
)

func keyName(generation, number int64) string { return fmt.Sprintf("g%d-%d", generation, number) }

// worker is a client that asks for one thing after the other.
type worker struct {
	c      *cluster
	number int
	random *rand.Rand
	writes int
	// known are revisions of keys that any worker was told: what a cas may expect.
	known *sync.Map
}

// startLoad makes workers ask all engines until stopLoad.
func (c *cluster) startLoad() {
	ctx, stop := context.WithCancel(context.Background())
	c.stopLoad = stop
	c.t.Cleanup(func() {
		stop()
		c.releaseAll()
		c.load.Wait()
	})
	known := &sync.Map{}
	for i := range workersPerEngine * len(c.slots) {
		w := &worker{c: c, number: i, random: rand.New(rand.NewPCG(c.random.Uint64(), 0)), known: known}
		c.load.Go(func() { w.run(ctx) })
	}
}

func (w *worker) run(ctx context.Context) {
	s := w.c.slots[w.number%len(w.c.slots)]
	for ctx.Err() == nil {
		req := w.next()
		r := w.c.rec.do(w.number, s.process(), req)
		wait := time.Duration(w.random.IntN(10)) * time.Millisecond
		switch r.Result {
		case ok:
			s.acks.Add(1)
			if req.Key != "" && req.Verb != remove {
				w.known.Store(req.Key, r.Revision)
			}
		case failed:
			w.c.t.Errorf("%+v: %s", req, r.Message)
		case refused, unknown, neverSent, lost:
			wait += 20 * time.Millisecond
		default:
		}
		pause(ctx, wait)
	}
}

// next is a request by chance. Keys of the generation before the last are cleared away.
func (w *worker) next() request {
	generation := w.c.workers.Add(1) / generationSize
	key := keyName(generation, w.random.Int64N(keys))
	if generation > 1 && w.random.IntN(10) == 0 {
		return request{Verb: remove, Key: keyName(generation-2, w.random.Int64N(keys))}
	}
	w.writes++
	value := fmt.Sprintf("w%d-%d", w.number, w.writes)
	switch n := w.random.IntN(100); {
	case n < 15:
		return request{Verb: create, Key: key, Value: value}
	case n < 35:
		rev, _ := w.known.Load(key)
		if expected, _ := rev.(int64); expected > 0 {
			return request{Verb: cas, Key: key, Value: value, Revision: expected}
		}
		return request{Verb: create, Key: key, Value: value}
	case n < 60:
		return request{Verb: update, Key: key, Value: value}
	case n < 64:
		return request{Verb: remove, Key: key}
	case n < 85:
		return request{Verb: get, Key: key}
	case n < 89:
		return request{Verb: list}
	case n < 92:
		return request{Verb: list, Limit: 3}
	case n < 96:
		return request{Verb: list, Revision: max(1, w.c.rec.answered()-w.random.Int64N(60)), Limit: w.random.Int64N(2) * 3}
	default:
		return request{Verb: current}
	}
}
