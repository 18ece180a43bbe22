// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// table has the benchmarks whose names differ in their last part only.
type table struct {
	name  string
	rows  []string
	units []string
}

// writeTables writes the medians. A benchmark's time per operation is left out beside
// figures of its own.
func (r *results) writeTables(out io.Writer) error {
	for _, line := range r.environment {
		fmt.Fprintf(out, "- %s\n", line)
	}
	for _, t := range r.tables() {
		fmt.Fprintf(out, "\n| %s | %s |\n|---|%s\n", t.name, strings.Join(t.units, " | "), strings.Repeat("---|", len(t.units)))
		for _, row := range t.rows {
			cells := make([]string, len(t.units))
			for i, unit := range t.units {
				if v := r.values[series{strings.TrimPrefix(t.name+"/"+row, "/"), unit}]; len(v) > 0 {
					cells[i] = number(median(slices.Sorted(slices.Values(v))))
				}
			}
			fmt.Fprintf(out, "| %s | %s |\n", row, strings.Join(cells, " | "))
		}
	}
	return nil
}

func (r *results) tables() []*table {
	var out []*table
	for _, s := range r.order {
		if s.unit == "ns/op" && r.hasRate(s.benchmark) {
			continue
		}
		i := strings.LastIndex(s.benchmark, "/")
		name, row := s.benchmark[:max(i, 0)], s.benchmark[i+1:]
		at := slices.IndexFunc(out, func(t *table) bool { return t.name == name })
		if at < 0 {
			at, out = len(out), append(out, &table{name: name})
		}
		t := out[at]
		if !slices.Contains(t.rows, row) {
			t.rows = append(t.rows, row)
		}
		if !slices.Contains(t.units, s.unit) {
			t.units = append(t.units, s.unit)
		}
	}
	return out
}
