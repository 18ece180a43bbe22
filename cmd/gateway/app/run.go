// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/version"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/gateway"
)

// Run serves until ctx ends.
func Run(ctx context.Context, o *Options) error {
	p := &program{}
	file, err := o.loadConfiguration(p.apply)
	if err != nil {
		return err
	}
	host, err := restConfig(o.Kubeconfig)
	if err != nil {
		return err
	}
	sources, err := p.sources(host, file)
	if err != nil {
		return err
	}
	server, err := gateway.NewServer(ctx, file.Current(), clock.RealClock{}, sources...)
	if err != nil {
		return err
	}
	legacyregistry.RawMustRegister(file.LastReload())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error {
		p.webhooks.Run(ctx)
		return nil
	})
	group.Go(func() error {
		file.Follow(ctx, clock.RealClock{})
		return nil
	})
	return group.Wait()
}

func restConfig(kubeconfig string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the host cluster's address: %w", err)
	}
	cfg.UserAgent = "kite-gateway/" + version.Get().GitVersion
	return cfg, nil
}
