// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"github.com/spf13/cobra"
	cliflag "k8s.io/component-base/cli/flag"

	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/cli"
	"kite.dev/kite/pkg/storage/postgres"
)

func newBumpRevisionCommand() *cobra.Command {
	o := options.NewPostgresOptions()
	cmd := &cobra.Command{
		Use:   "bump-revision",
		Short: "Make every client list anew after a restore",
		Long: `Move the revision counter far ahead and forget all history, so that no client sees time go
back: watches end, and every client lists anew. Run it after a restore that servers cannot
notice themselves: a dump loaded into the same database server, or a copy of its files put
back, while no server was running. It changes no object, and may be run at any time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bumpRevision(cmd, o) },
	}
	var sections cliflag.NamedFlagSets
	o.AddFlags(sections.FlagSet("postgres"))
	cli.AddFlags(cmd, sections)
	return cmd
}

func bumpRevision(cmd *cobra.Command, o *options.PostgresOptions) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	from, to, err := postgres.BumpRevision(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "schema %s moved from revision %d to %d: every client lists anew\n", cfg.Schema, from, to)
	return nil
}
