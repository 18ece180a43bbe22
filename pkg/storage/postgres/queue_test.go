// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

func newOperation(key string, change ...func(*operation)) *operation {
	op := &operation{key: key, value: []byte(key), done: make(chan outcome, 1)}
	for _, f := range change {
		f(op)
	}
	return op
}

func expecting(rev int64) func(*operation) { return func(op *operation) { op.expect = rev } }

func claiming(claim, held string) func(*operation) {
	return func(op *operation) {
		if claim != "" {
			op.claim = []byte(claim)
		}
		if held != "" {
			op.held = []byte(held)
		}
	}
}

func sized(n int) func(*operation) { return func(op *operation) { op.value = make([]byte, n) } }

func addAll(t *testing.T, q *queue, ops ...*operation) {
	t.Helper()
	for _, op := range ops {
		require.NoError(t, q.add(op))
	}
}

func TestQueueNext(t *testing.T) {
	t.Parallel()
	// A queue writes to its operations, so no two cases have one in common.
	a1, a2, a3, a4, b1 := newOperation("/a"), newOperation("/a"), newOperation("/a"), newOperation("/a"), newOperation("/b")
	create, resolve, first := newOperation("/new", claiming("x", "")), newOperation("/old", claiming("", "x")), newOperation("/old", claiming("", "x"))
	swap1, swap2 := newOperation("/s1", claiming("x", "y")), newOperation("/s2", claiming("y", "x"))
	keeps := newOperation("/k", claiming("k", "k"))
	blocked, behind := newOperation("/b", claiming("x", "")), newOperation("/b")
	big, large, small := newOperation("/big", sized(maxBatchBytes-1000)), newOperation("/l", sized(2000)), newOperation("/l")

	for name, tc := range map[string]struct {
		reason string
		ops    []*operation
		want   []*operation
	}{
		"one per key":          {"PostgreSQL writes a row once a statement", []*operation{a1, b1, a2}, []*operation{a1, b1}},
		"one per claim":        {"the claim is free only after the resolution", []*operation{resolve, create}, []*operation{resolve}},
		"swapped claims":       {"each holds what the other wants", []*operation{swap1, swap2}, []*operation{swap1}},
		"a claim that is kept": {"an operation is not in its own way", []*operation{keeps, a3}, []*operation{keeps, a3}},
		"order of a key behind a claim": {
			"what waits for a claim is not overtaken on its key", []*operation{first, blocked, behind}, []*operation{first},
		},
		"order of a key behind the size": {
			"what waits for room is not overtaken on its key", []*operation{big, large, small, a4}, []*operation{big, a4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(clock.RealClock{})
			addAll(t, q, tc.ops...)
			require.Equal(t, tc.want, q.next(), tc.reason)
		})
	}
}

func TestQueueBounds(t *testing.T) {
	t.Parallel()
	q := newQueue(clock.RealClock{})
	for i := range maxQueued {
		require.NoError(t, q.add(newOperation(fmt.Sprintf("/%d", i))))
	}
	require.True(t, apierrors.IsTooManyRequests(q.add(newOperation("/more"))))
	require.Len(t, q.next(), maxBatchOps)
	require.NoError(t, q.add(newOperation("/more")), "what is taken makes room")

	q = newQueue(clock.RealClock{})
	for i := range 10 {
		require.NoError(t, q.add(newOperation(fmt.Sprintf("/%d", i), sized(maxValueBytes))))
	}
	bytes := 0
	for _, op := range q.next() {
		bytes += op.size()
	}
	require.LessOrEqual(t, bytes, maxBatchBytes)

	q = newQueue(clock.RealClock{})
	addAll(t, q, newOperation("/huge", sized(maxBatchBytes+1)))
	require.Len(t, q.next(), 1, "one that is larger than a batch goes alone, not never")
}

func TestQueueFailsStaleOperations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		first  *operation
		answer outcome
		second *operation
		want   *outcome
	}{
		"after an update": {
			"the key has revision 7 now", newOperation("/a", expecting(5)),
			outcome{rev: 7},
			newOperation("/a", expecting(5)),
			&outcome{current: version{rev: 7, value: []byte("/a")}, known: true},
		},
		"a creation after a creation": {
			"the key exists now", newOperation("/a"),
			outcome{rev: 7},
			newOperation("/a"),
			&outcome{current: version{rev: 7, value: []byte("/a")}, known: true},
		},
		"after a refusal": {
			"the refusal tells the newest version", newOperation("/a", expecting(5)),
			outcome{current: version{rev: 9, value: []byte("v")}, known: true},
			newOperation("/a", expecting(5)),
			&outcome{current: version{rev: 9, value: []byte("v")}, known: true},
		},
		"after a refusal without the value": {
			"nothing can be answered", newOperation("/a", expecting(5)),
			outcome{current: version{rev: 9}},
			newOperation("/a", expecting(5)), nil,
		},
		"another key": {"it is not concerned", newOperation("/a"), outcome{rev: 7}, newOperation("/b"), nil},
		"after a deletion": {
			"a creation may follow", newOperation("/a", expecting(5), func(op *operation) { op.delete = true }),
			outcome{rev: 7},
			newOperation("/a"), nil,
		},
		"after an error": {"it tells nothing", newOperation("/a"), outcome{err: errUnsettled}, newOperation("/a"), nil},
		"the expected revision": {
			"it saw the newest version", newOperation("/a", expecting(5)),
			outcome{current: version{rev: 9, value: []byte("v")}, known: true},
			newOperation("/a", expecting(9)), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(clock.RealClock{})
			first, second := *tc.first, *tc.second
			addAll(t, q, &first, &second)
			batch := q.next()
			require.Same(t, &first, batch[0])
			if len(batch) == 2 { // another key: put it back
				q.requeue(batch[1:])
				batch = batch[:1]
			}
			q.finish(batch, []outcome{tc.answer})
			require.Equal(t, tc.answer, <-first.done)
			if tc.want == nil {
				require.Empty(t, second.done, tc.reason)
				require.Equal(t, []*operation{&second}, q.next(), tc.reason)
				return
			}
			require.Equal(t, *tc.want, <-second.done, tc.reason)
			require.Empty(t, q.queued)
		})
	}
}

// What the batch says about a key is as old as the batch: another process may have
// changed it before the operation was even asked for.
func TestQueueAsksForWhatCameLater(t *testing.T) {
	t.Parallel()
	q := newQueue(clock.RealClock{})
	first, later := newOperation("/a"), newOperation("/a")
	addAll(t, q, first)
	batch := q.next()
	addAll(t, q, later)
	q.finish(batch, []outcome{{rev: 7}})
	require.Empty(t, later.done)
	require.Equal(t, []*operation{later}, q.next())
}

func TestQueueCancelAndRequeue(t *testing.T) {
	t.Parallel()
	q := newQueue(clock.RealClock{})
	a, b, c := newOperation("/a"), newOperation("/b"), newOperation("/a")
	addAll(t, q, a, b)
	batch := q.next()
	require.False(t, q.cancel(a), "a writer has it")
	addAll(t, q, c)
	require.Empty(t, q.next(), "its key is busy")
	q.requeue(batch)
	require.True(t, q.cancel(b), "it waits again")
	require.Equal(t, []*operation{a}, q.next(), "what is tried again comes before what came later")
	require.True(t, q.cancel(c))
	require.False(t, q.cancel(c))
	require.Empty(t, q.queued)
}

// TestQueueProperties lets writers and clients loose on a queue: no two operations that
// share a key or claim are ever out at once, those of one client on one key are taken in
// order, and every one is answered or cancelled, exactly once.
func TestQueueProperties(t *testing.T) {
	t.Parallel()
	const clients, perClient = 16, 400
	q := newQueue(clock.RealClock{})
	ctx, cancel := context.WithCancel(t.Context())
	var out sync.Map
	var answered, cancelled atomic.Int64

	var writersDone sync.WaitGroup
	for range writers {
		writersDone.Go(func() {
			for batch := q.take(ctx); batch != nil; batch = q.take(ctx) {
				for _, op := range batch {
					for _, name := range op.resources() {
						if _, taken := out.LoadOrStore(name, true); taken {
							t.Errorf("%s is out twice", name)
						}
					}
				}
				for _, op := range batch {
					for _, name := range op.resources() {
						out.Delete(name)
					}
				}
				if rand.IntN(10) == 0 {
					q.requeue(batch)
					continue
				}
				q.finish(batch, make([]outcome, len(batch)))
			}
		})
	}
	var clientsDone sync.WaitGroup
	for range clients {
		clientsDone.Go(func() {
			for range perClient {
				op := newOperation(fmt.Sprintf("/%d", rand.IntN(5)))
				if rand.IntN(2) == 0 {
					claiming(fmt.Sprint(rand.IntN(3)), fmt.Sprint(rand.IntN(3)))(op)
				}
				if err := q.add(op); err != nil {
					t.Error(err)
					return
				}
				if rand.IntN(5) == 0 && q.cancel(op) {
					cancelled.Add(1)
					continue
				}
				<-op.done
				answered.Add(1)
				if len(op.done) > 0 {
					t.Error("answered twice")
				}
			}
		})
	}
	clientsDone.Wait()
	cancel()
	writersDone.Wait()
	require.EqualValues(t, clients*perClient, answered.Load()+cancelled.Load())
	require.Empty(t, q.queued)
	require.Empty(t, q.busy)
}

// Operations that nobody waits for between are taken in the order of their arrival,
// key by key, whatever else is queued.
func TestQueueKeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	q := newQueue(clock.RealClock{})
	random := rand.New(rand.NewPCG(1, 2))
	want, got := map[string][]*operation{}, map[string][]*operation{}
	for range 3000 {
		op := newOperation(fmt.Sprintf("/%d", random.IntN(40)), sized(random.IntN(maxValueBytes/50)))
		if random.IntN(3) == 0 {
			claiming(fmt.Sprint(random.IntN(9)), fmt.Sprint(random.IntN(9)))(op)
		}
		want[op.key] = append(want[op.key], op)
		addAll(t, q, op)
	}
	var flying [][]*operation
	for {
		batch := q.next()
		if len(batch) > 0 {
			flying = append(flying, batch)
		}
		for _, op := range batch {
			got[op.key] = append(got[op.key], op)
		}
		if len(flying) == 0 {
			break
		}
		if len(flying) == writers || len(batch) == 0 {
			q.finish(flying[0], make([]outcome, len(flying[0])))
			flying = flying[1:]
		}
	}
	require.Empty(t, q.queued)
	for key := range want {
		require.Len(t, got[key], len(want[key]))
		for i := range want[key] {
			require.Same(t, want[key][i], got[key][i], "operation %d of %s", i, key)
		}
	}
}

// A batch behind another waits for the write lock in any case: it grows meanwhile, but
// not for ever.
func TestQueueLetsABatchGrowBehindAnother(t *testing.T) {
	t.Parallel()
	now := clocktesting.NewFakeClock(time.Unix(1_795_000_000, 0))
	q := newQueue(now)
	queue := func(keys ...string) {
		for _, key := range keys {
			op := newOperation(key)
			op.queuedAt = now.Now()
			addAll(t, q, op)
		}
	}
	queue("/a", "/b", "/c")
	first := q.next()
	require.Len(t, first, 3)
	queue("/d")
	require.Empty(t, q.next(), "smaller than the one that is on its way")
	queue("/e", "/f")
	second := q.next()
	require.Len(t, second, 3, "as large as it")
	queue("/g")
	require.Empty(t, q.next())
	q.finish(first, make([]outcome, 3))
	require.Empty(t, q.next())
	q.finish(second, make([]outcome, 3))
	require.Len(t, q.next(), 1, "nothing is on its way")

	queue("/h")
	queue("/i")
	require.Len(t, q.next(), 2)
	queue("/j")
	require.Empty(t, q.next())
	drain(q.wake)
	now.Step(maxYield)
	require.Eventually(t, func() bool { return len(q.wake) == 1 }, 10*time.Second, time.Millisecond)
	require.Len(t, q.next(), 1, "the one that is on its way may be lost")
}

func drain(wake chan struct{}) {
	select {
	case <-wake:
	default:
	}
}

func TestQueueTakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the end"))
	require.Nil(t, newQueue(clock.RealClock{}).take(ctx))
}
