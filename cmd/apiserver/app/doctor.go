// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	cliflag "k8s.io/component-base/cli/flag"

	"kite.dev/kite/pkg/apiserver/doctor"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/cli"
)

// errUnhealthy makes the program exit with 1; the findings have been printed.
var errUnhealthy = errors.New("kite-apiserver cannot serve on this database")

func newDoctorCommand() *cobra.Command {
	o := options.NewPostgresOptions()
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the database and say what to mend",
		Long: `Examine the database that a server with the same flags would use: one line per finding, each
with the way to mend it. It changes nothing. The exit code is 1 when a server could not serve.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return examine(cmd, o) },
	}
	var sections cliflag.NamedFlagSets
	o.AddFlags(sections.FlagSet("postgres"))
	cli.AddFlags(cmd, sections)
	return cmd
}

func examine(cmd *cobra.Command, o *options.PostgresOptions) error {
	findings := []doctor.Finding{{Level: doctor.OK, What: "the DSN can be read"}}
	cfg, err := o.Config()
	if err != nil {
		findings[0] = doctor.Finding{Level: doctor.Fail, What: err.Error(), Mend: "see `kite-apiserver doctor --help`"}
	} else {
		findings = append(findings, doctor.Examine(cmd.Context(), cfg)...)
	}
	failed := false
	for _, finding := range findings {
		fmt.Fprintln(cmd.OutOrStdout(), finding)
		failed = failed || finding.Level == doctor.Fail
	}
	if failed {
		return errUnhealthy
	}
	return nil
}
