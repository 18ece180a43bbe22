// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"kite.dev/kite/pkg/report/reporttest"
)

// sickCache is one whose kind cannot be listed until it is mended.
type sickCache struct {
	*informertest.FakeInformers
	mended chan struct{}
	run    *tektonv1.PipelineRun
}

// GetInformer waits, as that of a cache that was started does.
func (c *sickCache) GetInformer(ctx context.Context, obj client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	select {
	case <-c.mended:
		return c.FakeInformers.GetInformer(ctx, obj, options...)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *sickCache) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	c.run.DeepCopyInto(obj.(*tektonv1.PipelineRun))
	return nil
}

func newManager(t *testing.T, sick *sickCache) ctrl.Manager {
	t.Helper()
	mgr, err := ctrl.NewManager(&rest.Config{Host: "nowhere.invalid"}, ctrl.Options{
		Scheme: sick.Scheme, Logger: logr.Discard(), Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller:     ctrlconfig.Controller{SkipNameValidation: new(true)}, // the process has one of each name
		NewCache:       func(*rest.Config, cache.Options) (cache.Cache, error) { return sick, nil },
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil },
	})
	require.NoError(t, err)
	return mgr
}

// TestWaitsForRunsThatCannotBeListed: Tekton's conversion webhook is down for a day. The
// process goes on, since it has other work, and reports what it sees afterwards.
func TestWaitsForRunsThatCannotBeListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		scheme := runtime.NewScheme()
		require.NoError(t, tektonv1.AddToScheme(scheme))
		run, now := green(), metav1.Now() // whose report reads nothing else
		run.Status.CompletionTime = &now
		sick := &sickCache{FakeInformers: &informertest.FakeInformers{Scheme: scheme}, mended: make(chan struct{}), run: run}
		mgr, recorder, config := newManager(t, sick), &reporttest.Recorder{}, testConfig(t)
		require.NoError(t, mgr.Add(manager.RunnableFunc(func(context.Context) error {
			return Setup(mgr, recorder, func() *Config { return config }, 1)
		})))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- mgr.Start(ctx) }()

		<-time.After(24 * time.Hour)
		require.Empty(t, ended, "the manager ended")
		close(sick.mended)
		synctest.Wait()
		informer, err := sick.FakeInformerFor(ctx, run)
		require.NoError(t, err)
		informer.Add(run)
		synctest.Wait()
		require.NotEmpty(t, recorder.Reports())

		cancel()
		require.NoError(t, <-ended)
	})
}
