// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

func claims(name, claim string) *example.Pod {
	pod := newPod(name)
	pod.Annotations = map[string]string{claimAnnotation: claim}
	return pod
}

func claimOf(claim string) func(*example.Pod) {
	return func(pod *example.Pod) { pod.Annotations = map[string]string{claimAnnotation: claim} }
}

func holderOf(t *testing.T, err error) string {
	t.Helper()
	var held *claimHeldError
	require.ErrorAs(t, err, &held)
	return held.holder
}

// requireGuardUnused: the unique index behind claims would spoil whole batches.
func requireGuardUnused(t *testing.T, c *cluster) {
	t.Helper()
	require.Zero(t, c.trace.count("23505"), "the unique index on claims has raised an error")
}

func TestClaimIsHeldByOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, claims("a", "x"))
	before := c.newest(t)

	err := store.Create(t.Context(), key("b"), claims("b", "x"), nil, 0)
	require.Equal(t, key("a"), holderOf(t, err))
	create(t, store, claims("c", "y"))
	_, err = update(t.Context(), store, "c", claimOf("x"))
	require.Equal(t, key("a"), holderOf(t, err))
	require.Equal(t, before+1, c.newest(t), "a refused claim costs no revision")
	err = store.Create(t.Context(), key("a"), claims("a", "y"), nil, 0)
	require.Error(t, err)

	_, err = update(t.Context(), store, "a", func(pod *example.Pod) { pod.Spec.NodeName = "n" })
	require.NoError(t, err, "an update keeps its own claim")
	holder, err := engine.ClaimHolder(t.Context(), []byte("x"))
	require.NoError(t, err)
	require.Equal(t, key("a"), holder)

	_, err = update(t.Context(), store, "a", claimOf(""))
	require.NoError(t, err)
	_, err = update(t.Context(), store, "c", claimOf("x"))
	require.NoError(t, err, "a claim that was given up is free")
	require.NoError(t, remove(t.Context(), store, "c"))
	create(t, store, claims("d", "x"))
	holder, err = engine.ClaimHolder(t.Context(), []byte("y"))
	require.NoError(t, err)
	require.Empty(t, holder)
	requireGuardUnused(t, c)
}

// Everything in this test waits together, behind writers that wait for the lock.
func TestClaimsInOneBatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	for _, name := range []string{"old", "left", "right"} {
		create(t, store, claims(name, name))
	}
	release := c.occupyWriters(t, engine, store)
	var tasks sync.WaitGroup
	queue := func(n int, task func() error, accept ...func(error) bool) {
		tasks.Go(func() {
			err := task()
			for _, f := range accept {
				if f(err) {
					return
				}
			}
			if err != nil {
				t.Errorf("task %d: %v", n, err)
			}
		})
		require.Eventually(t, func() bool { return engine.Queued() == n }, patience, time.Millisecond)
	}
	isHeld := func(err error) bool { var held *claimHeldError; return errors.As(err, &held) }
	change := func(name, claim string) func() error {
		return func() error { _, err := update(context.Background(), store, name, claimOf(claim)); return err }
	}
	add := func(name, claim string) func() error {
		return func() error { return store.Create(context.Background(), key(name), claims(name, claim), nil, 0) }
	}
	queue(1, add("good-1", ""))
	queue(2, change("old", ""))
	queue(3, add("new", "old"))
	queue(4, change("left", "right"), isHeld)
	queue(5, change("right", "left"), isHeld)
	queue(6, add("twin-1", "twin"))
	queue(7, add("twin-2", "twin"), isHeld)
	queue(8, add("good-2", ""))
	release()
	tasks.Wait()

	holder, err := engine.ClaimHolder(t.Context(), []byte("old"))
	require.NoError(t, err)
	require.Equal(t, key("new"), holder, "what is released and claimed behind it changes hands")
	holder, err = engine.ClaimHolder(t.Context(), []byte("twin"))
	require.NoError(t, err)
	require.Equal(t, key("twin-1"), holder, "the first in the queue wins")
	requireGuardUnused(t, c)
	requireGapless(t, c) // what is refused burns no revision
}

func TestClaimHasOneWinnerAmongManyCreators(t *testing.T) {
	t.Parallel()
	const rounds, creators = 4, 50
	c := newCluster(t)
	_, one := c.open(t)
	_, two := c.open(t)
	for round := range rounds {
		claim := fmt.Sprintf("claim-%d", round)
		var winner atomic.Pointer[string]
		holders := make([]string, creators)
		var wait sync.WaitGroup
		for i := range creators {
			store := []*postgres.Store{one, two}[i%2]
			wait.Go(func() {
				name := fmt.Sprintf("pod-%d-%d", round, i)
				err := store.Create(context.Background(), key(name), claims(name, claim), nil, 0)
				var held *claimHeldError
				switch {
				case err == nil:
					won := key(name)
					if !winner.CompareAndSwap(nil, &won) {
						t.Errorf("both %s and %s hold %s", won, *winner.Load(), claim)
					}
				case errors.As(err, &held):
					holders[i] = held.holder
				default:
					t.Errorf("create %s: %v", name, err)
				}
			})
		}
		wait.Wait()
		require.NotNil(t, winner.Load(), "nobody holds the claim")
		for _, holder := range holders {
			if holder != "" {
				require.Equal(t, *winner.Load(), holder)
			}
		}
	}
	requireGuardUnused(t, c)
}

// A holder that changes places with another leaves no moment without an owner.
func TestClaimMovesWithItsObject(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, one := c.open(t)
	_, two := c.open(t)
	create(t, one, claims("a", "x"))
	create(t, one, newPod("b"))
	var wait sync.WaitGroup
	for i, store := range []*postgres.Store{one, two} {
		wait.Go(func() {
			for n := range 50 {
				for _, name := range []string{"a", "b"} {
					claim := "x"
					if (n+i)%2 == 0 {
						claim = ""
					}
					_, err := update(context.Background(), store, name, claimOf(claim))
					var held *claimHeldError
					if err != nil && !errors.As(err, &held) {
						t.Errorf("update %s: %v", name, err)
					}
				}
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, queryOne[int](t, c, "SELECT count(*) FROM objects WHERE claim = 'x'"), 1)
	list := &example.PodList{}
	require.NoError(t, one.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, list))
	requireGuardUnused(t, c)
}
