// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
)

// table is a numbering: its letter, and how many rows the source has.
type table struct {
	letter string
	rows   int
}

// tables are those of the document. A requirement is never dropped.
var tables = []table{
	{"I", 108}, // issues
	{"N", 14},  // what a native API has
	{"R", 85},  // remediation
}

// check lists what is wrong with the rows. Tests are looked for in the tree.
func check(rows []row, tables []table, tree fs.FS) []string {
	problems := checkNumbers(rows, tables)
	functions := map[string][]string{}
	for _, r := range rows {
		if r.asked == "" || r.how == "" || r.how == openPrefix {
			problems = append(problems, fmt.Sprintf("line %d: %s lacks the requirement or how it is met", r.line, r.id))
		}
		if !r.open() && len(r.tests) == 0 {
			problems = append(problems, fmt.Sprintf("line %d: %s is neither open nor shown by a test", r.line, r.id))
		}
		for _, t := range r.tests {
			if functions[t.folder] == nil {
				functions[t.folder] = testsIn(tree, t.folder)
			}
			if !slices.Contains(functions[t.folder], t.function) {
				problems = append(problems, fmt.Sprintf("line %d: %s: there is no test %s.%s", r.line, r.id, t.folder, t.function))
			}
		}
	}
	return problems
}

// checkNumbers wants each number of each table once, in order.
func checkNumbers(rows []row, tables []table) (problems []string) {
	lines := map[string][]int{}
	for _, r := range rows {
		lines[r.id] = append(lines[r.id], r.line)
	}
	before := 0
	for _, t := range tables {
		for n := 1; n <= t.rows; n++ {
			id := fmt.Sprint(t.letter, n)
			at := lines[id]
			delete(lines, id)
			switch {
			case len(at) == 0:
				problems = append(problems, id+" is missing")
				continue
			case len(at) > 1:
				problems = append(problems, fmt.Sprintf("%s is there %d times, in lines %v", id, len(at), at))
			case at[0] < before:
				problems = append(problems, fmt.Sprintf("line %d: %s is out of order", at[0], id))
			}
			before = at[0]
		}
	}
	for _, r := range rows {
		if lines[r.id] != nil {
			problems = append(problems, fmt.Sprintf("line %d: there is no requirement %s", r.line, r.id))
		}
	}
	return problems
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

// testsIn lists the tests of a folder; none when there is no such folder.
func testsIn(tree fs.FS, folder string) []string {
	names := []string{}
	files, err := fs.Glob(tree, path.Join(folder, "*_test.go"))
	if err != nil {
		return names
	}
	for _, file := range files {
		content, err := fs.ReadFile(tree, file)
		if err != nil {
			continue
		}
		for _, m := range testFunction.FindAllSubmatch(content, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}
