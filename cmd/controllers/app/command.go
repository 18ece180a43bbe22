// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package app is the command line of kite-controllers.
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

// NewCommand returns the command kite-controllers. It runs until its context
// ends.
func NewCommand() *cobra.Command {
	o := NewOptions()
	cmd := &cobra.Command{
		Use:   "kite-controllers",
		Short: "Report what breaks in the cluster to Kite",
		Long: `kite-controllers watches the cluster and reports to Kite what fails and what recovers. Of
several replicas one works, the others wait to take over.

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
