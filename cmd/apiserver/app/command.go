// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package app is the command line of kite-apiserver.
package app

import (
	"github.com/spf13/cobra"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/version"

	"kite.dev/kite/pkg/cli"
)

// NewCommand returns kite-apiserver with all its subcommands. Without one it serves.
func NewCommand() *cobra.Command {
	serve := newServeCommand()
	root := &cobra.Command{
		Use:   "kite-apiserver",
		Short: "Serve Kite's API groups from PostgreSQL",
		Long: `kite-apiserver is an aggregated Kubernetes API server. It serves issues.kite.dev from
PostgreSQL, with the authentication, authorization and admission of the cluster it extends.

Without a command it serves. Every flag can be given as an environment variable, too:
--secure-port is ` + cli.EnvName("secure-port") + `. A flag wins over its variable.`,
		Version:           version.Get().String(),
		Args:              cobra.NoArgs,
		PersistentPreRunE: cli.FromEnvironment,
		RunE:              serve.cmd.RunE,
	}
	cli.AddFlags(root, serve.flags)
	root.AddCommand(serve.cmd, newMigrateCommand(), newDoctorCommand(), newBumpRevisionCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// sectioned is a command whose flags are printed in named sections.
type sectioned struct {
	cmd   *cobra.Command
	flags cliflag.NamedFlagSets
}
