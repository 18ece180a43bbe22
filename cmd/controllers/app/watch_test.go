// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// TestCountsWhatCannotBeListed until it can be.
func TestCountsWhatCannotBeListed(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mended.Load() {
			http.Error(w, "conversion webhook failed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") != "" {
			http.Error(w, "{}", http.StatusBadRequest) // lists do
			return
		}
		_, _ = w.Write([]byte(`{"kind":"PipelineRunList","apiVersion":"tekton.dev/v1","metadata":{"resourceVersion":"1"},"items":[]}`))
	}))
	t.Cleanup(host.Close)
	options := cacheOptions()
	var err error
	options.Scheme, err = newScheme()
	require.NoError(t, err)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(tektonv1.SchemeGroupVersion.WithKind("PipelineRun"), meta.RESTScopeNamespace)
	options.Mapper = mapper
	runs, err := cache.New(&rest.Config{Host: host.URL}, options)
	require.NoError(t, err)
	informer, err := runs.GetInformer(t.Context(), &tektonv1.PipelineRun{}, cache.BlockUntilSynced(false))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runs.Start(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })

	failures := func() float64 { return testutil.ToFloat64(watchErrors.WithLabelValues("PipelineRun")) }
	require.Eventually(t, func() bool { return failures() > 0 }, 10*time.Second, time.Millisecond)
	require.False(t, informer.HasSynced())
	mended.Store(true)
	require.Eventually(t, informer.HasSynced, 30*time.Second, time.Millisecond, "it is tried again")
}
