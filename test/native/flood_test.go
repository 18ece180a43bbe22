// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
)

const (
	// flooders is more than the seats and the queues that one account may fill.
	flooders = 800
	// calm is how often another account asks meanwhile.
	calm = 200
)

// TestPriorityAndFairness floods a replica from one account, which is told to come back
// (429), while another account is served as if nothing was.
//
//nolint:paralleltest // it takes the machine for itself
func TestPriorityAndFairness(t *testing.T) {
	m, neighbour := newTeam(t), newTeam(t)
	createSome(t, m, 5)
	create(t, neighbour, "frontend")
	replica := replicas(t, m.host)[0]
	flood := startFlood(t, direct(t, m.host, &replica, m.developer.BearerToken), "/apis/issues.kite.dev/v1alpha1/namespaces/"+m.namespace+"/issues")
	eventually(t, "the flood is refused", func(context.Context) error { return flood.refused() })

	quiet := direct(t, m.host, &replica, neighbour.developer.BearerToken)
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + neighbour.namespace + "/issues/frontend"
	read := percentiles(calm, func() {
		code, body := do(t, quiet, http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusOK, code, "%s", body)
	})
	written := percentiles(calm, func() {
		code, body := do(t, quiet, http.MethodPatch, path, `{"metadata":{"annotations":{"at":"`+time.Now().String()+`"}}}`,
			http.Header{"Content-Type": {mergePatch}})
		require.Equal(t, http.StatusOK, code, "%s", body)
	})
	t.Logf("of %d answers %d were 429; the neighbour read in %v, wrote in %v (p50, p99)", flood.answers.Load(), flood.tooMany.Load(), read, written)
	require.Less(t, read[1], time.Second)
	require.Less(t, written[1], time.Second)
}

// percentiles are the median and the 99th percentile of how long n calls take.
func percentiles(n int, call func()) [2]time.Duration {
	took := make([]time.Duration, n)
	for i := range took {
		begin := time.Now()
		call()
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return [2]time.Duration{took[n/2], took[n*99/100]}
}

type flood struct {
	answers, tooMany atomic.Int64
	retryAfter       atomic.Bool
}

// startFlood sends requests from many goroutines until the test ends.
func startFlood(t testing.TB, cfg *rest.Config, path string) *flood {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out := &flood{}
	var group sync.WaitGroup
	t.Cleanup(func() { cancel(); group.Wait() })
	for range flooders {
		group.Go(func() {
			for ctx.Err() == nil {
				out.ask(ctx, client, strings.TrimSuffix(cfg.Host, "/")+path)
			}
		})
	}
	return out
}

func (f *flood) ask(ctx context.Context, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	f.answers.Add(1)
	if response.StatusCode == http.StatusTooManyRequests {
		f.tooMany.Add(1)
		f.retryAfter.Store(response.Header.Get("Retry-After") != "")
	}
}

// refused is nil when the flood is told to come back, and when.
func (f *flood) refused() error {
	if f.tooMany.Load() == 0 || !f.retryAfter.Load() {
		return fmt.Errorf("of %d answers %d are 429", f.answers.Load(), f.tooMany.Load())
	}
	return nil
}
