// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	cliflag "k8s.io/component-base/cli/flag"
)

// AddFlags gives a command its flags, and a help text that shows them in sections as
// wide as the terminal.
func AddFlags(cmd *cobra.Command, sections cliflag.NamedFlagSets) {
	for _, name := range sections.Order {
		cmd.Flags().AddFlagSet(sections.FlagSets[name])
	}
	cmd.SetUsageFunc(func(c *cobra.Command) error {
		printUsage(c.OutOrStderr(), c)
		fmt.Fprintf(c.OutOrStderr(), "\nRun %q for the flags.\n", c.CommandPath()+" --help")
		return nil
	})
	cmd.SetHelpFunc(func(c *cobra.Command, _ []string) {
		out := c.OutOrStdout()
		fmt.Fprintf(out, "%s\n\n", c.Long)
		printUsage(out, c)
		cliflag.PrintSections(out, sections, columns(out))
	})
}

func printUsage(out io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(out, "Usage:\n  %s\n", cmd.UseLine())
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(out, "  %s [command]\n\nCommands:\n", cmd.CommandPath())
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(out, "  %-14s %s\n", sub.Name(), sub.Short)
		}
	}
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
