// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// outcome is how long each request took, in nanoseconds, and all of them.
type outcome struct {
	took    []int64
	elapsed time.Duration
}

// drive makes n requests by so many clients at once. None may fail.
func drive(b *testing.B, clients, n int, request func(ctx context.Context, i int) error) outcome {
	b.Helper()
	took, errs := make([]int64, n), make([]error, clients)
	var next atomic.Int64
	var running sync.WaitGroup
	start := time.Now()
	for c := range clients {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[c] == nil; i = int(next.Add(1)) - 1 {
				called := time.Now()
				errs[c] = request(b.Context(), i)
				took[i] = int64(time.Since(called))
			}
		})
	}
	running.Wait()
	elapsed := time.Since(start)
	require.NoError(b, errors.Join(errs...))
	return outcome{took, elapsed}
}

// report says how many there were in a second, and how long they took.
func (o outcome) report(b *testing.B, p *peer, what string) {
	b.Helper()
	b.ReportMetric(float64(len(o.took))/o.elapsed.Seconds(), what+"/s")
	reportQuantiles(b, o.took, "call")
	if refused := p.refused.Swap(0); refused > 0 {
		b.ReportMetric(float64(refused), "status-429")
	}
}

func benchCreates(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	drive(b, clients, n, func(ctx context.Context, _ int) error { return p.create(ctx, p.next()) }).report(b, p, "writes")
}

// benchStatusPatches changes a condition of each of n issues once, as a controller does.
func benchStatusPatches(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	first := p.fill(b, n)
	drive(b, clients, n, func(ctx context.Context, i int) error { return p.patchStatus(ctx, first+i) }).report(b, p, "writes")
	requireCondition(b, p, first)
}

// requireCondition finds that a patch changed what it was to change.
func requireCondition(b *testing.B, p *peer, i int) {
	b.Helper()
	var issue v1alpha1.Issue
	require.NoError(b, p.get(b.Context(), i, &issue))
	require.True(b, meta.IsStatusConditionTrue(issue.Status.Conditions, v1alpha1.ConditionRemediationActive))
}

// benchDistinctGets reads issues that the account never named before: to a server that
// asks another one who may read what, each is a question.
func benchDistinctGets(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	first := p.fill(b, n)
	drive(b, clients, n, func(ctx context.Context, i int) error {
		return p.get(ctx, first+i, &v1alpha1.Issue{})
	}).report(b, p, "reads")
}

// benchSameGets reads one issue, about which a server asks at most once.
func benchSameGets(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	first := p.fill(b, 1)
	drive(b, clients, n, func(ctx context.Context, _ int) error {
		return p.get(ctx, first, &v1alpha1.Issue{})
	}).report(b, p, "reads")
}

// benchLists reads the same page again and again. The client decodes it once only, since
// that takes longer than some servers need to answer.
func benchLists(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	p = p.in(p.paged)
	p.fill(b, pagedIssues)
	page, err := p.list(b.Context(), pageSize)
	require.NoError(b, err)
	var list v1alpha1.IssueList
	require.NoError(b, json.Unmarshal(page, &list))
	require.Len(b, list.Items, pageSize)
	require.NotEmpty(b, list.Continue)
	drive(b, clients, n, func(ctx context.Context, _ int) error {
		_, err := p.list(ctx, pageSize)
		return err
	}).report(b, p, "lists")
	b.ReportMetric(float64(len(page))/1024, "KiB/list")
}
