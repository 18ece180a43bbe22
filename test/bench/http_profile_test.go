// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/discovery"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// envProfile is the file that a CPU profile is written to.
const envProfile = "KITE_BENCH_PROFILE"

// BenchmarkHTTPProfile takes 10 s of a replica's CPU profile while many clients create
// issues there.
func BenchmarkHTTPProfile(b *testing.B) {
	path := os.Getenv(envProfile)
	if path == "" {
		b.Skip("no file is named in " + envProfile)
	}
	h := newHost(b)
	p := h.peer(b, "direct", h.direct(b, h.account), v1alpha1.SchemeGroupVersion)
	client, err := discovery.NewDiscoveryClientForConfig(h.direct(b, h.admin))
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	errs := make([]error, manyClients)
	for i := range errs {
		running.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				errs[i] = p.create(ctx, p.next())
			}
			if ctx.Err() != nil {
				errs[i] = nil // the last one is cut off
			}
		})
	}
	profile, err := client.RESTClient().Get().AbsPath("/debug/pprof/profile").Param("seconds", "10").DoRaw(ctx)
	stop()
	running.Wait()
	require.NoError(b, errors.Join(errs...))
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(path, profile, 0o600))
}
