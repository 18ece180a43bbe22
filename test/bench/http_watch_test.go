// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/watch"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// patience is how long events may be on their way.
const patience = time.Minute

// idlePause is between two writes that do not disturb each other.
const idlePause = 50 * time.Millisecond

func benchIdleCreateToWatch(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	ticker := time.NewTicker(idlePause)
	defer ticker.Stop()
	measureCreateToWatch(b, p, clients, n, func() { <-ticker.C })
}

func benchCreateToWatch(b *testing.B, p *peer, clients, n int) {
	b.Helper()
	measureCreateToWatch(b, p, clients, n, func() {})
}

// measureCreateToWatch measures from a create's call, and from its answer, to the event at
// a watch of the same server over a connection of its own. The event may come before the
// answer, and count as less than nothing.
func measureCreateToWatch(b *testing.B, p *peer, clients, n int, pace func()) {
	b.Helper()
	first := p.reserve(n)
	seen := p.sightings(b, n)
	called, answered := make([]time.Time, n), make([]time.Time, n)
	result := drive(b, clients, n, func(ctx context.Context, i int) error {
		pace()
		called[i] = time.Now()
		err := p.create(ctx, first+i)
		answered[i] = time.Now()
		return err
	})
	at := <-seen
	require.Len(b, at, n, "every create is one event")
	sinceCall, sinceAnswer := make([]int64, n), make([]int64, n)
	for i := range n {
		seenAt := at[nameOf(first+i)]
		require.False(b, seenAt.IsZero(), "no event for %s", nameOf(first+i))
		sinceCall[i], sinceAnswer[i] = int64(seenAt.Sub(called[i])), int64(seenAt.Sub(answered[i]))
	}
	b.ReportMetric(float64(n)/result.elapsed.Seconds(), "writes/s")
	reportQuantiles(b, sinceCall, "call")
	reportQuantiles(b, sinceAnswer, "answer")
}

// sightings watches from now on, and returns when n issues were first seen.
func (p *peer) sightings(b *testing.B, n int) <-chan map[string]time.Time {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience+time.Duration(n)*idlePause)
	b.Cleanup(cancel)
	var list v1alpha1.IssueList
	require.NoError(b, p.watcher.Get().Namespace(p.namespace).Resource(resource).Param("limit", "1").Do(ctx).Into(&list))
	w, err := p.watcher.Get().Namespace(p.namespace).Resource(resource).
		Param("watch", "true").Param("resourceVersion", list.ResourceVersion).Watch(ctx)
	require.NoError(b, err)
	out := make(chan map[string]time.Time, 1)
	go func() {
		defer w.Stop()
		out <- firstSeen(w, n)
	}()
	return out
}

// firstSeen ends early with the watch.
func firstSeen(w watch.Interface, n int) map[string]time.Time {
	at := make(map[string]time.Time, n)
	for event := range w.ResultChan() {
		now := time.Now()
		if issue, ok := event.Object.(*v1alpha1.Issue); ok && event.Type == watch.Added {
			at[issue.Name] = now
		}
		if len(at) == n {
			break
		}
	}
	return at
}
