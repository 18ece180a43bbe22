// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The database's clock counts questions: an answer is fresh when its question started
// after the call.
func TestSharedReadIsNeverOlderThanTheCall(t *testing.T) {
	t.Parallel()
	var reads sharedRead
	var started atomic.Int64
	ask := func(context.Context) (int64, error) { return started.Add(1), nil }
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for range 500 {
				before := started.Load()
				rev, err := reads.do(t.Context(), ask)
				if err != nil || rev <= before {
					t.Errorf("question %d had already started before the call (%d): %v", rev, before, err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func TestSharedReadSharesTheNextQuestion(t *testing.T) {
	t.Parallel()
	var reads sharedRead
	var asked atomic.Int64
	asking, goOn := make(chan struct{}), make(chan struct{})
	ask := func(context.Context) (int64, error) {
		n := asked.Add(1)
		asking <- struct{}{}
		<-goOn
		return n, nil
	}
	answers := make(chan int64, 20)
	call := func() {
		rev, _ := reads.do(t.Context(), ask)
		answers <- rev
	}
	go call()
	<-asking
	for range 10 {
		go call()
	}
	require.Eventually(t, func() bool {
		reads.mu.Lock()
		defer reads.mu.Unlock()
		return reads.waiting != nil
	}, 10*time.Second, time.Millisecond)
	goOn <- struct{}{}
	require.EqualValues(t, 1, <-answers)
	for received := 0; received < 10; {
		select {
		case <-asking:
			goOn <- struct{}{}
		case rev := <-answers:
			received++
			require.Greater(t, rev, int64(1), "nobody gets the answer of the question that was under way")
		}
	}
	require.LessOrEqual(t, asked.Load(), int64(11))
}

func TestSharedReadEndsWithTheCallersContext(t *testing.T) {
	t.Parallel()
	var reads sharedRead
	ctx, cancel := context.WithCancel(t.Context())
	asking, goOn := make(chan struct{}, 2), make(chan struct{})
	failure := errors.New("the database is away")
	ask := func(ctx context.Context) (int64, error) {
		asking <- struct{}{}
		<-goOn
		return 0, errors.Join(failure, ctx.Err())
	}
	done := make(chan error, 1)
	go func() {
		_, err := reads.do(ctx, ask)
		done <- err
	}()
	<-asking
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	close(goOn)

	_, err := reads.do(t.Context(), ask)
	require.ErrorIs(t, err, failure)
	require.NotErrorIs(t, err, context.Canceled, "a caller that went takes no question with it")
}
