// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package main checks docs/requirements.md: every row of every table is there
// once, is open or names a test, and every test that it names exists. It runs at
// the top of the tree, which make verify sees to.
package main

import (
	"fmt"
	"os"
)

const document = "docs/requirements.md"

func main() {
	content, err := os.ReadFile(document)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rows, problems := parse(string(content))
	problems = append(problems, check(rows, tables, os.DirFS("."))...)
	for _, problem := range problems {
		fmt.Fprintf(os.Stderr, "%s: %s\n", document, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
	open := 0
	for _, r := range rows {
		if r.open() {
			open++
		}
	}
	fmt.Printf("%d requirements are met, %d are open\n", len(rows)-open, open)
}
