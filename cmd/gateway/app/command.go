// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package app is the command line of kite-gateway.
package app

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/util/validation/field"
	cliflag "k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
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
` + envName("config") + `. A flag wins over its variable.`,
		Version: version.Get().String(),
		Args:    cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return applyEnvironment(cmd.Flags(), os.LookupEnv)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := logsapi.ValidateAndApplyAsField(o.Logs, o.Gates, field.NewPath("logging")); err != nil {
				return err
			}
			ctrl.SetLogger(klog.Background())
			return Run(cmd.Context(), o)
		},
	}
	setFlags(cmd, o.Flags())
	return cmd
}

// setFlags shows flags in sections as wide as the terminal.
func setFlags(cmd *cobra.Command, sections cliflag.NamedFlagSets) {
	for _, name := range sections.Order {
		cmd.Flags().AddFlagSet(sections.FlagSets[name])
	}
	cmd.SetHelpFunc(func(c *cobra.Command, _ []string) {
		fmt.Fprintf(c.OutOrStdout(), "%s\n\nUsage:\n  %s\n", c.Long, c.UseLine())
		cliflag.PrintSections(c.OutOrStdout(), sections, columns(c.OutOrStdout()))
	})
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		_, err := fmt.Fprintf(c.OutOrStderr(), "Usage:\n  %s\n\nRun %q for the flags.\n", c.UseLine(), c.CommandPath()+" --help")
		return err
	})
}

// columns is the width of the terminal behind out, 0 when there is none.
func columns(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
