// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"

	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of requests to the host cluster
	_ "k8s.io/component-base/metrics/prometheus/version"  // metric of the build
	"k8s.io/klog/v2"

	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/cli"
	"kite.dev/kite/pkg/storage/postgres"
)

func newServeCommand() sectioned {
	o := options.NewOptions()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API (the default)",
		Long:  "Serve the API until the process is told to stop. Any number of replicas may serve one schema.",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := applyGlobals(o); err != nil {
				return err
			}
			return serve(genericapiserver.SetupSignalContext(), o)
		},
	}
	s := sectioned{cmd: cmd, flags: o.Flags()}
	cli.AddFlags(cmd, s.flags)
	return s
}

// applyGlobals sets what is global in the libraries: feature gates first, since logging
// asks them.
func applyGlobals(o *options.Options) error {
	if err := o.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	return logsapi.ValidateAndApplyAsField(o.Logs, utilfeature.DefaultFeatureGate, field.NewPath("logging"))
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, o *options.Options) error {
	o.Complete()
	if err := utilerrors.NewAggregate(o.Validate()); err != nil {
		return err
	}
	cfg, err := o.Config(ctx)
	if err != nil {
		return err
	}
	if o.Postgres.Migrate == options.MigrateAuto {
		from, to, err := postgres.Migrate(ctx, cfg.Postgres)
		if err != nil {
			return err
		}
		klog.FromContext(ctx).Info("Schema is up to date", "schema", cfg.Postgres.Schema, "from", from, "to", to)
	}
	server, err := cfg.Complete().New(ctx)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
