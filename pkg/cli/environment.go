// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// EnvName is the environment variable of a flag: KITE_SECURE_PORT for secure-port.
func EnvName(flag string) string {
	return "KITE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FromEnvironment is a command's PersistentPreRunE: it sets the flags that the command line
// left alone and whose variable exists.
func FromEnvironment(cmd *cobra.Command, _ []string) error {
	return ApplyEnvironment(cmd.Flags(), os.LookupEnv)
}

// ApplyEnvironment sets the flags that the command line left alone and that lookup
// knows. It returns every error at once.
func ApplyEnvironment(fs *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || f.Name == "version" {
			return
		}
		value, ok := lookup(EnvName(f.Name))
		if !ok {
			return
		}
		if err := fs.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("environment variable %s: %w", EnvName(f.Name), err))
		}
	})
	return utilerrors.NewAggregate(errs)
}
