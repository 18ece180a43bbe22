// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

const (
	eventually = 10 * time.Second
	tick       = time.Millisecond
)

func identityOf(e *entry) rules.Identity { return rules.IdentityOfReport(e.report) }

func entryOf(r *issues.IssueReport) *entry {
	return newEntry(r, &user.DefaultInfo{Name: "robot"})
}

// gate is a run whose first call waits until it is opened.
type gate struct {
	entered, open chan struct{}
	calls         atomic.Int32
	sizes         []int
}

func newGate() *gate { return &gate{entered: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) run(ctx context.Context, batch []*entry) {
	g.sizes = append(g.sizes, len(batch))
	if g.calls.Add(1) == 1 {
		close(g.entered)
		<-g.open
	}
	answerAll(ctx, batch)
}

func answerAll(_ context.Context, batch []*entry) {
	for _, e := range batch {
		e.status.Result = issues.ResultUpdated
	}
}

// queued returns when n entries wait for the key k.
func queued(t *testing.T, c *combiner, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.waiting["k"]) == n
	}, eventually, tick)
}

func TestCombinerSharesWrites(t *testing.T) {
	t.Parallel()
	c, g := &combiner{}, newGate()
	var group sync.WaitGroup
	do := func() {
		e := entryOf(failed(1))
		require.NoError(t, c.do(t.Context(), "k", e, g.run))
		require.Equal(t, issues.ResultUpdated, e.status.Result)
	}
	group.Go(do)
	<-g.entered
	for range 20 {
		group.Go(do)
	}
	queued(t, c, 20)
	close(g.open)
	group.Wait()
	require.Equal(t, []int{1, 20}, g.sizes)
	require.Empty(t, c.waiting, "nothing stays behind")
}

func TestCombinerKeysAreIndependent(t *testing.T) {
	t.Parallel()
	c, g := &combiner{}, newGate()
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, c.do(t.Context(), "slow", entryOf(failed(1)), g.run)) })
	<-g.entered
	require.NoError(t, c.do(t.Context(), "fast", entryOf(failed(1)), answerAll))
	close(g.open)
	group.Wait()
}

func TestCombinerBounds(t *testing.T) {
	t.Parallel()
	c, g := &combiner{}, newGate()
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, c.do(t.Context(), "k", entryOf(failed(1)), g.run)) })
	<-g.entered
	for range maxWaiting {
		group.Go(func() { require.NoError(t, c.do(t.Context(), "k", entryOf(failed(1)), g.run)) })
	}
	queued(t, c, maxWaiting)
	err := c.do(t.Context(), "k", entryOf(failed(1)), g.run)
	require.True(t, apierrors.IsTooManyRequests(err), "%v", err)
	close(g.open)
	group.Wait()
	for _, size := range g.sizes {
		require.LessOrEqual(t, size, maxBatch)
	}
	require.Len(t, g.sizes, 1+maxWaiting/maxBatch)
}

// TestCombinerAbandoned: whoever gives up is not applied while it waits, and the
// lead does not get lost with it.
func TestCombinerAbandoned(t *testing.T) {
	t.Parallel()
	c, g := &combiner{}, newGate()
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, c.do(t.Context(), "k", entryOf(failed(1)), g.run)) })
	<-g.entered

	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	gone := entryOf(failed(2))
	go func() { left <- c.do(ctx, "k", gone, g.run) }()
	queued(t, c, 1)
	group.Go(func() { require.NoError(t, c.do(t.Context(), "k", entryOf(failed(3)), g.run)) })
	queued(t, c, 2)
	cancel()
	err := <-left
	require.True(t, apierrors.IsTimeout(err), "%v", err)
	require.ErrorContains(t, err, "was not applied")
	close(g.open)
	group.Wait()
	require.Empty(t, gone.status.Result)
	require.Empty(t, c.waiting)

	// The lead was given to an entry at the moment at which it gave up.
	first, second := entryOf(failed(1)), entryOf(failed(2))
	c.waiting = map[string][]*entry{"k": {first, second}}
	close(first.turn)
	require.Error(t, c.abandon("k", first))
	<-second.turn
}

// TestCombinerLeaderIsCancelled: a leader whose client has gone still answers those
// that wait with it.
func TestCombinerLeaderIsCancelled(t *testing.T) {
	t.Parallel()
	c := &combiner{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := entryOf(failed(1))
	require.NoError(t, c.do(ctx, "k", e, func(ctx context.Context, batch []*entry) {
		require.NoError(t, ctx.Err())
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		answerAll(ctx, batch)
	}))
}

// TestCombinerSurvivesPanic: the server recovers from a panic, so the identity must
// not be stuck.
func TestCombinerSurvivesPanic(t *testing.T) {
	t.Parallel()
	c, e := &combiner{}, entryOf(failed(1))
	require.Panics(t, func() {
		_ = c.do(t.Context(), "k", e, func(context.Context, []*entry) { panic("a bug") })
	})
	require.True(t, apierrors.IsInternalError(e.err), "%v", e.err)
	require.NoError(t, c.do(t.Context(), "k", entryOf(failed(2)), answerAll))
}

func run(n int) func(*issues.IssueReportSpec) {
	return func(spec *issues.IssueReportSpec) {
		spec.Run = &issues.IssueRun{Kind: "PipelineRun", Name: fmt.Sprint("run-", n), UID: types.UID(fmt.Sprint("uid-", n))}
	}
}

func TestParallelReports(t *testing.T) {
	t.Parallel()
	const n = 500
	store := newFakeStore()
	// Two processes on one store.
	processes := []*REST{newREST(store), newREST(store)}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { send(t, processes[i%2], "robot", failed(i, run(i))) })
	}
	group.Wait()
	issue := store.get(names(failed(0))[0])
	require.Len(t, store.issues, 1)
	require.Equal(t, int32(n), issue.Status.Occurrences)
	require.Equal(t, testTime, issue.Status.FirstSeen.Time)
	require.Less(t, store.writes, n, "reports that wait share writes")
}

// TestBatchKeepsEachStep: a watch sees each change of state.
func TestBatchKeepsEachStep(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	r := newREST(store)
	batch := []*entry{
		entryOf(succeeded(0)), entryOf(failed(1)), entryOf(failed(2)), entryOf(succeeded(3)), entryOf(succeeded(4)),
		entryOf(failed(5)), entryOf(failed(5)),
	}
	r.apply(t.Context(), identityOf(batch[0]), batch, nil)
	want := []issues.ReportResult{
		issues.ResultUnchanged, issues.ResultCreated, issues.ResultUpdated, issues.ResultResolved, issues.ResultUnchanged,
		issues.ResultReopened, issues.ResultUnchanged,
	}
	for i, e := range batch {
		require.NoError(t, e.err)
		require.Equal(t, want[i], e.status.Result, "report %d", i)
	}
	require.Equal(t, 3, store.writes, "Active, Resolved, Active")
	require.Empty(t, batch[0].status.Issues, "there was none yet")
}

// TestOneSpoilsNoOther: a report that cannot be stored fails alone.
func TestOneSpoilsNoOther(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.refuse = func(issue *issues.Issue) error {
		if issue.Spec.Title == "bad" {
			return apierrors.NewInvalid(issues.Kind("Issue"), issue.Name, field.ErrorList{field.Invalid(field.NewPath("spec"), "bad", "")})
		}
		return nil
	}
	r := newREST(store)
	batch := []*entry{entryOf(failed(1)), entryOf(failed(3, withTitle("bad"))), entryOf(failed(2))}
	r.apply(t.Context(), identityOf(batch[0]), batch, nil)
	require.NoError(t, batch[0].err)
	require.True(t, apierrors.IsInvalid(batch[1].err), "%v", batch[1].err)
	require.NoError(t, batch[2].err)
	require.Equal(t, int32(2), store.get(batch[0].status.Issues[0].Name).Status.Occurrences)
}
