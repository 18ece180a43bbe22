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

func newMigrateCommand() *cobra.Command {
	o := options.NewPostgresOptions()
	skipUnreachable := false
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the database schema",
		Long: `Create the schema when it is missing, and apply the migrations that it lacks. Run it as the
role that owns the schema; servers need less. It is safe to run at any time, and does nothing
to a schema that is up to date.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return migrate(cmd, o, skipUnreachable) },
	}
	var sections cliflag.NamedFlagSets
	fs := sections.FlagSet("postgres")
	o.AddFlags(fs)
	fs.BoolVar(&skipUnreachable, "skip-unreachable", skipUnreachable,
		"Succeed without having done anything when the database cannot be reached. For a step before the server: "+
			"it can then start, serve discovery, and answer 503 until the database is back.")
	cli.AddFlags(cmd, sections)
	return cmd
}

func migrate(cmd *cobra.Command, o *options.PostgresOptions, skipUnreachable bool) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	from, to, err := postgres.Migrate(cmd.Context(), cfg)
	if skipUnreachable && postgres.IsUnreachable(err) {
		fmt.Fprintf(cmd.OutOrStdout(), "schema %s is not looked at: %v\n", cfg.Schema, err)
		return nil
	}
	if err != nil {
		return err
	}
	if from == to {
		fmt.Fprintf(cmd.OutOrStdout(), "schema %s is at version %d: nothing to do\n", cfg.Schema, to)
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "schema %s migrated from version %d to %d\n", cfg.Schema, from, to)
	return nil
}
