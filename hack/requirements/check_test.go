// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const sound = "# Requirements\n\n| row | asked | how | shown by |\n|---|---|---|---|\n" +
	"| I1 | it works | it does | `pkg/a.TestWorks`, `pkg/a.TestMore/Sub test` |\n" +
	"| I2 | it is fast | open: benchmarks | |\n" +
	"\n| row | asked | how | shown by |\n|---|---|---|---|\n" +
	"| R1 | it mends | open: half of it | `test/b.FuzzMend` |\n"

var (
	soundTables = []table{{"I", 2}, {"R", 1}}
	soundTree   = fstest.MapFS{
		"pkg/a/a_test.go":   {Data: []byte("package a\n\nfunc TestWorks(t *testing.T) {}\n\nfunc TestMore(t *testing.T) {}\n")},
		"pkg/a/a.go":        {Data: []byte("package a\n\nfunc TestNotATest(t *testing.T) {}\n")},
		"pkg/a/b/b_test.go": {Data: []byte("package b\n\nfunc TestBelow(t *testing.T) {}\n\n// func TestComment(t *testing.T) {}\n")},
		"test/b/b_test.go":  {Data: []byte("package b\n\nfunc FuzzMend(f *testing.F) {}\n")},
	}
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason   string
		old, new string
		want     []string
	}{
		"Sound":      {reason: "nothing is wrong"},
		"NoTest":     {"the function has another name", "pkg/a.TestWorks", "pkg/a.TestWork", []string{"line 5: I1: there is no test pkg/a.TestWork"}},
		"Elsewhere":  {"it is in another folder", "pkg/a.TestWorks", "pkg/a.TestBelow", []string{"line 5: I1: there is no test pkg/a.TestBelow"}},
		"NoFolder":   {"the package has moved", "pkg/a.TestWorks", "pkg/c.TestWorks", []string{"line 5: I1: there is no test pkg/c.TestWorks"}},
		"NoTestFile": {"go test does not run it", "pkg/a.TestWorks", "pkg/a.TestNotATest", []string{"line 5: I1: there is no test pkg/a.TestNotATest"}},
		"Comment":    {"it is switched off", "pkg/a.TestWorks", "pkg/a/b.TestComment", []string{"line 5: I1: there is no test pkg/a/b.TestComment"}},
		"OpenNames":  {"what an open row names has to be there as well", "FuzzMend", "FuzzMore", []string{"line 10: R1: there is no test test/b.FuzzMore"}},
		"Missing":    {"a requirement is dropped", "| I2 | it is fast | open: benchmarks | |\n", "", []string{"I2 is missing"}},
		"Doubled":    {"two rows of one number", "| I2 |", "| I1 |", []string{"I1 is there 2 times, in lines [5 6]", "I2 is missing"}},
		"TheOtherTable": {
			"each numbering counts by itself", "| R1 |", "| I3 |",
			[]string{"R1 is missing", "line 10: there is no requirement I3"},
		},
		"Order":      {"nobody finds it there", "| I1 | it works | it does | `pkg/a.TestWorks`, `pkg/a.TestMore/Sub test` |\n| I2 | it is fast | open: benchmarks | |\n", "| I2 | it is fast | open: benchmarks | |\n| I1 | it works | it does | `pkg/a.TestWorks` |\n", []string{"line 5: I2 is out of order"}},
		"Unshown":    {"neither open nor shown", "open: benchmarks", "it is", []string{"line 6: I2 is neither open nor shown by a test"}},
		"OpenNoPart": {"it says nothing", "open: benchmarks", "open:", []string{"line 6: I2 is neither open nor shown by a test"}},
		"NoHow":      {"it says nothing", "it does", "", []string{"line 5: I1 lacks the requirement or how it is met"}},
		"NoWords":    {"it asks for nothing", "it mends", "", []string{"line 10: R1 lacks the requirement or how it is met"}},
		"Words":      {"prose shows nothing", "`test/b.FuzzMend`", "by hand", []string{"line 10: R1: by hand is no test, want `folder.TestName`", "R1 is missing"}},
		"Number":     {"a number of another kind", "| I2 |", "| I2a |", []string{`line 6: "I2a" is no number of a requirement`, "I2 is missing"}},
		"Cells":      {"a cell is lost", "| it is fast | ", "| ", []string{"line 6: 3 cells, want number, requirement, how it is met, tests", "I2 is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, sound, tc.old)
			rows, problems := parse(strings.Replace(sound, tc.old, tc.new, 1))
			problems = append(problems, check(rows, soundTables, soundTree)...)
			require.Equal(t, tc.want, problems, tc.reason)
		})
	}
}
