// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Report writes the head and the summary of a run of benchmarks:
//
//	report environment COMMAND   the machine and versions, as lines of Go's benchmark format
//	report summary FILE          a table of medians, spreads and ratios to the peer
//	report table FILE            the medians, a column for each figure and a row for each benchmark
//
// The file between them is what benchstat reads, too.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: report environment COMMAND | report summary FILE | report table FILE")
	}
	switch args[0] {
	case "environment":
		return writeEnvironment(ctx, out, args[1])
	case "summary":
		results, err := read(args[1])
		if err != nil {
			return err
		}
		return results.write(out)
	case "table":
		results, err := read(args[1])
		if err != nil {
			return err
		}
		return results.writeTables(out)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}

func read(path string) (*results, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return parse(file)
}
