// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The database's revision counts trips: an answer is fresh when its trip started after
// the call.
func TestGroupReadIsNeverOlderThanTheCall(t *testing.T) {
	t.Parallel()
	var started atomic.Int64
	reads := groupReads{read: func(_ context.Context, group []*keyRead) error {
		rev := started.Add(1)
		for _, read := range group {
			read.newest, read.version = rev, version{rev: rev, value: []byte(read.key)}
		}
		return nil
	}}
	var callers sync.WaitGroup
	for i := range 32 {
		key := fmt.Sprint(i)
		callers.Go(func() {
			for range 500 {
				before := started.Load()
				v, newest, err := reads.do(t.Context(), key)
				if err != nil || newest <= before || string(v.value) != key {
					t.Errorf("read %q at %d for %q, asked after %d: %v", v.value, newest, key, before, err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func TestGroupReadsShareTrips(t *testing.T) {
	t.Parallel()
	trips, goOn := make(chan int, 100), make(chan struct{})
	reads := groupReads{read: func(_ context.Context, group []*keyRead) error {
		trips <- len(group)
		<-goOn
		return nil
	}}
	var callers sync.WaitGroup
	call := func() { _, _, _ = reads.do(t.Context(), "a") }
	for range maxGroups {
		callers.Go(call)
		require.Equal(t, 1, <-trips, "the first is not kept waiting")
	}
	for range maxGroupReads + 1 {
		callers.Go(call)
	}
	require.Eventually(t, func() bool {
		reads.mu.Lock()
		defer reads.mu.Unlock()
		return len(reads.waiting) == maxGroupReads+1
	}, 10*time.Second, time.Millisecond)
	close(goOn)
	require.ElementsMatch(t, []int{maxGroupReads, 1}, []int{<-trips, <-trips}, "both are under way")
	callers.Wait()
}

func TestGroupReadEndsWithTheCallersContext(t *testing.T) {
	t.Parallel()
	failure := errors.New("the database is away")
	reading, goOn := make(chan struct{}, 2), make(chan struct{})
	reads := groupReads{read: func(ctx context.Context, _ []*keyRead) error {
		reading <- struct{}{}
		<-goOn
		return errors.Join(failure, ctx.Err())
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := reads.do(ctx, "a")
		done <- err
	}()
	<-reading
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	close(goOn)
	_, _, err := reads.do(t.Context(), "a")
	require.ErrorIs(t, err, failure)
	require.NotErrorIs(t, err, context.Canceled, "a caller that went takes no trip with it")
}
