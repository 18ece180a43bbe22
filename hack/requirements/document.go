// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"
)

// row is one requirement.
type row struct {
	line  int
	id    string // such as I14
	asked string
	how   string
	tests []test
}

// test is a function in the test files of a folder.
type test struct{ folder, function string }

// openPrefix begins what a row says that is not met, or not wholly.
const openPrefix = "open: "

func (r row) open() bool { return strings.HasPrefix(r.how, openPrefix) }

var (
	rowLine  = regexp.MustCompile(`^\| *[A-Z][0-9]`)
	idCell   = regexp.MustCompile(`^[A-Z][1-9][0-9]*$`)
	testCell = regexp.MustCompile("^`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)(?:/[^`]+)?`$")
)

// parse reads the lines that begin with a requirement's number.
func parse(text string) (rows []row, problems []string) {
	for i, line := range strings.Split(text, "\n") {
		if !rowLine.MatchString(line) {
			continue
		}
		r, err := parseRow(line)
		if err != nil {
			problems = append(problems, fmt.Sprintf("line %d: %v", i+1, err))
			continue
		}
		r.line = i + 1
		rows = append(rows, r)
	}
	return rows, problems
}

func parseRow(line string) (row, error) {
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	cells := strings.Split(line, "|")
	if len(cells) != 4 {
		return row{}, fmt.Errorf("%d cells, want number, requirement, how it is met, tests", len(cells))
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if !idCell.MatchString(cells[0]) {
		return row{}, fmt.Errorf("%q is no number of a requirement", cells[0])
	}
	r := row{id: cells[0], asked: cells[1], how: cells[2]}
	if cells[3] == "" {
		return r, nil
	}
	for name := range strings.SplitSeq(cells[3], ", ") {
		m := testCell.FindStringSubmatch(name)
		if m == nil {
			return row{}, fmt.Errorf("%s: %s is no test, want `folder.TestName`", r.id, name)
		}
		r.tests = append(r.tests, test{folder: m[1], function: m[2]})
	}
	return r, nil
}
