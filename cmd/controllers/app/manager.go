// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	"kite.dev/kite/pkg/controllers/pipelinerun"
)

// namespaceFile is where a pod finds the name of its namespace.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Run runs the selected controllers until ctx ends.
func Run(ctx context.Context, o *Options) error {
	p := &program{}
	file, err := o.loadConfiguration(p.apply)
	if err != nil {
		return err
	}
	p.Configuration = file.Current()
	cfg, err := restConfig(o.Kubeconfig, &p.ClientConnection)
	if err != nil {
		return err
	}
	mgr, err := p.manager(ctx, cfg, file)
	if err != nil {
		return err
	}
	for _, metric := range []prometheus.Collector{file.LastReload(), watchErrors} {
		if err := metrics.Registry.Register(metric); err != nil {
			return err
		}
	}
	for _, c := range controllers {
		if !selects(p.Controllers, c) {
			klog.FromContext(ctx).Info("Controller is switched off", "controller", c.name)
			continue
		}
		if err := c.add(mgr, p); err != nil {
			return fmt.Errorf("add controller %s: %w", c.name, err)
		}
	}
	if err := mgr.Add(everywhere(func(ctx context.Context) error {
		file.Follow(ctx, clock.RealClock{})
		return nil
	})); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// everywhere runs on every replica, not only on the one that works.
type everywhere func(context.Context) error

var _ manager.LeaderElectionRunnable = everywhere(nil)

// Start implements manager.Runnable.
func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }

func restConfig(kubeconfig string, connection *configv1alpha1.ClientConnectionConfiguration) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the host cluster's address and credentials: %w", err)
	}
	cfg.QPS, cfg.Burst = float32(*connection.QPS), int(*connection.Burst)
	cfg.UserAgent = "kite-controllers/" + version.Get().GitVersion
	return cfg, nil
}

func (p *program) manager(ctx context.Context, cfg *rest.Config, configz http.Handler) (ctrl.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	election := &p.LeaderElection
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:                  scheme,
		Logger:                  klog.FromContext(ctx),
		BaseContext:             func() context.Context { return context.WithoutCancel(ctx) },
		Cache:                   cacheOptions(),
		LeaderElection:          *election.LeaderElect,
		LeaderElectionID:        "kite-controllers",
		LeaderElectionNamespace: ownNamespace(election.ResourceNamespace),
		LeaseDuration:           &election.LeaseDuration.Duration,
		RenewDeadline:           &election.RenewDeadline.Duration,
		RetryPeriod:             &election.RetryPeriod.Duration,
		// The process ends when the manager does, so nothing works on after
		// the Lease is given up.
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &p.ShutdownTimeout.Duration,
		HealthProbeBindAddress:        p.Health.BindAddress,
		Metrics: metricsserver.Options{
			BindAddress:    p.Metrics.BindAddress,
			SecureServing:  true,
			CertDir:        p.Metrics.CertDir,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			ExtraHandlers:  map[string]http.Handler{"/configz": configz},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}

func cacheOptions() cache.Options {
	return cache.Options{
		ByObject:                 map[client.Object]cache.ByObject{&tektonv1.PipelineRun{}: {Transform: pipelinerun.Transform}},
		DefaultWatchErrorHandler: countWatchError,
	}
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiregistrationv1.AddToScheme, tektonv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}

// ownNamespace is the one that the command line names, else the pod's own,
// else kite-system.
func ownNamespace(given string) string {
	if given != "" {
		return given
	}
	own, err := os.ReadFile(namespaceFile)
	if err != nil {
		return "kite-system"
	}
	return strings.TrimSpace(string(own))
}
