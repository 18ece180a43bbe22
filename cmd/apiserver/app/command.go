// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package app is the command line of kite-apiserver.
package app

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/version"

	"kite.dev/kite/pkg/apiserver/options"
)

// Run executes a command and returns the program's exit code. An error is one plain
// line on stderr, also where logs are JSON: it is what a person looks for first.
func Run(cmd *cobra.Command, stderr io.Writer) int {
	if err := cli.RunNoErrOutput(cmd); err != nil {
		fmt.Fprintln(stderr, "Error:", strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	return 0
}

// NewCommand returns kite-apiserver with all its subcommands. Without one it serves.
func NewCommand() *cobra.Command {
	serve := newServeCommand()
	root := &cobra.Command{
		Use:   "kite-apiserver",
		Short: "Serve Kite's API groups from PostgreSQL",
		Long: `kite-apiserver is an aggregated Kubernetes API server. It serves issues.kite.dev from
PostgreSQL, with the authentication, authorization and admission of the cluster it extends.

Without a command it serves. Every flag can be given as an environment variable, too:
--secure-port is ` + options.EnvName("secure-port") + `. A flag wins over its variable.`,
		Version:           version.Get().String(),
		Args:              cobra.NoArgs,
		PersistentPreRunE: applyEnvironment,
		RunE:              serve.cmd.RunE,
	}
	addFlags(root, serve.flags)
	root.AddCommand(serve.cmd, newMigrateCommand(), newDoctorCommand(), newBumpRevisionCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// sectioned is a command whose flags are printed in named sections.
type sectioned struct {
	cmd   *cobra.Command
	flags cliflag.NamedFlagSets
}

func applyEnvironment(cmd *cobra.Command, _ []string) error {
	return options.ApplyEnvironment(cmd.Flags(), os.LookupEnv)
}
