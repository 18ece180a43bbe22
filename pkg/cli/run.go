// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is what the command lines of Kite's programs have in common: flags that
// can be given as environment variables, help in sections, and one line for an error.
package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
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
