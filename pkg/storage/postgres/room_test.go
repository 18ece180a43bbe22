// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

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
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// fullError is what a folder without room becomes in these tests.
type fullError struct{ held int64 }

func (e *fullError) Error() string { return fmt.Sprintf("%d claims are held", e.held) }

func withRoom(limit int64) func(*postgres.StoreConfig) {
	return func(cfg *postgres.StoreConfig) {
		cfg.MaxClaims = limit
		cfg.ClaimsExceeded = func(_ runtime.Object, held int64) error { return &fullError{held} }
	}
}

func requireFull(t *testing.T, err error, held int64) {
	t.Helper()
	var full *fullError
	require.ErrorAs(t, err, &full)
	require.Equal(t, held, full.held)
}

// wrongCounts are the folders whose count is not the number of their claims, or above a
// limit; both are read in one snapshot.
const wrongCounts = `SELECT count(*) FROM (
		SELECT left(key, -strpos(reverse(key), '/')) AS folder, count(*) AS held FROM objects WHERE claim IS NOT NULL GROUP BY 1
	) o FULL JOIN claim_counts c USING (folder)
	WHERE coalesce(o.held, 0) <> coalesce(c.held, 0) OR o.held > $1`

func TestRoomForClaims(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t, withRoom(2))
	create(t, store, claims("a", "1"))
	create(t, store, claims("b", "2"))
	before := c.newest(t)
	requireFull(t, store.Create(t.Context(), key("c"), claims("c", "3"), nil, 0), 2)
	require.Equal(t, before, c.newest(t), "a refusal costs no revision")
	create(t, store, newPod("c"))
	_, err := update(t.Context(), store, "c", claimOf("3"))
	requireFull(t, err, 2)
	require.NoError(t, store.Create(t.Context(), "/pods/elsewhere/a", claims("a", "4"), nil, 0), "another folder has room")
	_, err = update(t.Context(), store, "a", claimOf("5"))
	require.NoError(t, err, "who has a claim may change it")
	held, err := engine.ClaimsHeld(t.Context(), key("any"))
	require.NoError(t, err)
	require.EqualValues(t, 2, held)

	_, err = update(t.Context(), store, "a", claimOf(""))
	require.NoError(t, err)
	_, err = update(t.Context(), store, "c", claimOf("3"))
	require.NoError(t, err, "a claim that was given up leaves room")
	require.NoError(t, remove(t.Context(), store, "b"))
	create(t, store, claims("d", "6"))

	_, narrow := c.open(t, withRoom(1))
	requireFull(t, narrow.Create(t.Context(), key("e"), claims("e", "7"), nil, 0), 2)
	_, err = update(t.Context(), narrow, "d", onNodeA)
	require.NoError(t, err, "above a limit that was lowered, everything goes on")
	require.Zero(t, queryOne[int](t, c, wrongCounts, 2))
}

// TestRoomInOneBatch: everything waits together, behind writers that wait for the lock.
func TestRoomInOneBatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t, withRoom(3))
	create(t, store, claims("old", "old"))
	release := c.occupyWriters(t, engine, store)
	var work sync.WaitGroup
	var applied, full atomic.Int32
	for i := range 10 {
		work.Go(func() {
			name := fmt.Sprintf("new-%d", i)
			err := store.Create(context.Background(), key(name), claims(name, name), nil, 0)
			if err == nil {
				applied.Add(1)
			} else if errors.As(err, new(*fullError)) {
				full.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return engine.Queued() == 10 }, patience, time.Millisecond)
	release()
	work.Wait()
	require.EqualValues(t, 2, applied.Load())
	require.EqualValues(t, 8, full.Load())
	require.Zero(t, queryOne[int](t, c, wrongCounts, 3))
	require.Empty(t, c.trace.all(), "a refusal is data")
}

// TestRoomOverEngines is a property test: whatever two processes do at once, at every
// moment each folder's count is the number of its claims, and within the limit.
func TestRoomOverEngines(t *testing.T) {
	t.Parallel()
	const limit, workers, steps = 4, 8, 150
	c := newCluster(t)
	_, first := c.open(t, withRoom(limit))
	_, second := c.open(t, withRoom(limit))
	stores := []*postgres.Store{first, second}
	var work sync.WaitGroup
	var fulls atomic.Int32
	for w := range workers {
		work.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for range steps {
				err := randomClaim(t, stores[w%2], random)
				if errors.As(err, new(*fullError)) {
					fulls.Add(1)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		require.Zero(t, queryOne[int](t, c, wrongCounts, limit))
	}
	require.Positive(t, fulls.Load(), "the limit was never reached")
	require.Empty(t, c.trace.all())
}

// randomClaim creates, changes or deletes one of a few pods in one of two folders.
func randomClaim(t *testing.T, store *postgres.Store, random *rand.Rand) error {
	t.Helper()
	folder, name := fmt.Sprint("f", random.IntN(2)), fmt.Sprint("p", random.IntN(12))
	k := "/pods/" + folder + "/" + name
	claim := ""
	if random.IntN(3) > 0 {
		claim = folder + name
	}
	switch random.IntN(3) {
	case 0:
		return store.Create(t.Context(), k, claims(name, claim), nil, 0)
	case 1:
		return store.Delete(t.Context(), k, &example.Pod{}, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
	default:
		return store.GuaranteedUpdate(t.Context(), k, &example.Pod{}, false, nil,
			func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
				pod := obj.(*example.Pod)
				claimOf(claim)(pod)
				pod.Generation++
				return pod, nil, nil
			}, nil)
	}
}
