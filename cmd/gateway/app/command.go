// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package app is the command line of kite-gateway.
package app

import (
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation/field"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/pkg/cli"
)

// NewCommand returns the command kite-gateway. It runs until its context ends.
func NewCommand() *cobra.Command {
	o := NewOptions()
	cmd := &cobra.Command{
		Use:   "kite-gateway",
		Short: "Take webhooks of other systems and report to Kite what they say",
		Long: `kite-gateway takes webhooks over HTTPS and reports to Kite what they say, with the token
of whoever sent them. It keeps no state: any number of replicas work side by side.

Every flag can be given as an environment variable, too: --config is
` + cli.EnvName("config") + `. A flag wins over its variable.`,
		Version:           version.Get().String(),
		Args:              cobra.NoArgs,
		PersistentPreRunE: cli.FromEnvironment,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := logsapi.ValidateAndApplyAsField(o.Logs, o.Gates, field.NewPath("logging")); err != nil {
				return err
			}
			ctrl.SetLogger(klog.Background())
			return Run(cmd.Context(), o)
		},
	}
	cli.AddFlags(cmd, o.Flags())
	return cmd
}
