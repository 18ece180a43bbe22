// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
	"kite.dev/kite/test/pgtest"
)

// writer creates the issue of a number, and returns its revision.
type writer func(ctx context.Context, i int) (int64, error)

// writeByReplica writes as another replica does, which nobody watches.
func writeByReplica(b *testing.B, pg postgres.Config) writer {
	b.Helper()
	kind := workload.Issue()
	store, err := postgres.NewStore(pgtest.Open(b, pg, kind.Projections...), kind.Store)
	require.NoError(b, err)
	return func(ctx context.Context, i int) (int64, error) {
		_, obj := kind.Make(i)
		issue := obj.(*issues.Issue)
		issue.Namespace = namespaceOf(i)
		out := kind.Store.NewFunc()
		err := store.Create(ctx, kind.Store.Prefix+issue.Namespace+"/"+issue.Name, issue, out, 0)
		return revisionOf(out), err
	}
}

// writeOverHTTP writes by the server that all watch.
func writeOverHTTP(b *testing.B, cfg *rest.Config) writer {
	b.Helper()
	client := newPeer(b, "process", cfg, v1alpha1.SchemeGroupVersion, namespace, namespace).client
	return func(ctx context.Context, i int) (int64, error) {
		var issue v1alpha1.Issue
		err := client.Post().Namespace(namespaceOf(i)).Resource(resource).Body(newRequest(i)).Do(ctx).Into(&issue)
		if err != nil {
			return 0, err
		}
		return strconv.ParseInt(issue.ResourceVersion, 10, 64)
	}
}

// madeEvent is when an event was to be made, and when its writer learnt of the commit.
type madeEvent struct {
	revision, due, answered int64
}

// makeEvents creates n issues from a number on, each when it is due: whatever holds one
// up makes the next ones late, and does not slow the clock. A rate of 0 is any: all are
// due when they are called for.
func makeEvents(b *testing.B, write writer, first, n, rate int) []madeEvent {
	b.Helper()
	const writers = 64
	made, errs := make([]madeEvent, n), make([]error, writers)
	var next atomic.Int64
	var running sync.WaitGroup
	start := time.Now()
	for w := range writers {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				due := time.Now()
				if rate > 0 {
					due = start.Add(time.Duration(i) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(due))
				}
				made[i].due = due.UnixNano()
				made[i].revision, errs[w] = write(b.Context(), first+i)
				made[i].answered = time.Now().UnixNano()
			}
		})
	}
	running.Wait()
	require.NoError(b, errors.Join(errs...))
	return made
}
