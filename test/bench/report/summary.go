// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// series is one figure of one benchmark over all rounds.
type series struct {
	benchmark, unit string
}

// results are the lines of a run, in the order in which they first came.
type results struct {
	environment []string
	order       []series
	values      map[series][]float64
}

var (
	environmentLine = regexp.MustCompile(`^[a-z]+: `)
	processors      = regexp.MustCompile(`-\d+$`)
	// peer is the part of a name in which the compared benchmarks differ.
	peer = regexp.MustCompile(`(Store|Server|via)=([^/]+)`)
)

// baselines are what the others are compared with.
var baselines = map[string]string{"Store": "etcd3", "Server": "crd", "via": "raw"}

// parse reads Go's benchmark format.
func parse(in io.Reader) (*results, error) {
	r := &results{values: map[series][]float64{}}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		switch fields := strings.Fields(line); {
		case environmentLine.MatchString(line) && fields[0] != "pkg:":
			if !slices.Contains(r.environment, line) {
				r.environment = append(r.environment, line)
			}
		case strings.HasPrefix(line, "Benchmark") && len(fields) >= 4:
			if err := r.add(fields); err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
		}
	}
	return r, lines.Err()
}

// add takes a line's fields: name, iterations, then pairs of value and unit.
func (r *results) add(fields []string) error {
	name := strings.TrimPrefix(processors.ReplaceAllString(fields[0], ""), "Benchmark")
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return err
		}
		s := series{benchmark: name, unit: fields[i+1]}
		if _, ok := r.values[s]; !ok {
			r.order = append(r.order, s)
		}
		r.values[s] = append(r.values[s], value)
	}
	return nil
}

func (r *results) write(out io.Writer) error {
	for _, line := range r.environment {
		fmt.Fprintf(out, "- %s\n", line)
	}
	_, err := fmt.Fprint(out, "\n| benchmark | unit | n | min | median | max | times its peer |\n|---|---|---|---|---|---|---|\n")
	for _, s := range r.besideTheirPeers() {
		if s.unit == "ns/op" && r.hasRate(s.benchmark) {
			continue // says the same the other way round
		}
		v := slices.Sorted(slices.Values(r.values[s]))
		_, err = fmt.Fprintf(out, "| %s | %s | %d | %s | %s | %s | %s |\n",
			s.benchmark, s.unit, len(v), number(v[0]), number(median(v)), number(v[len(v)-1]), r.ratio(s))
	}
	return err
}

// besideTheirPeers is the order in which benchmarks first came, but for peers, which
// stand together.
func (r *results) besideTheirPeers() []series {
	place := map[series]int{}
	without := func(s series) series { return series{peer.ReplaceAllString(s.benchmark, "$1="), s.unit} }
	for i, s := range r.order {
		if _, ok := place[without(s)]; !ok {
			place[without(s)] = i
		}
	}
	return slices.SortedStableFunc(slices.Values(r.order), func(x, y series) int {
		return cmp.Compare(place[without(x)], place[without(y)])
	})
}

func (r *results) hasRate(benchmark string) bool {
	for s := range maps.Keys(r.values) {
		if s.benchmark == benchmark && s.unit != "ns/op" {
			return true
		}
	}
	return false
}

// ratio is how much better than its baseline a figure is, median by median: 2.00 is
// twice as many per second, or half the time.
func (r *results) ratio(s series) string {
	match := peer.FindStringSubmatch(s.benchmark)
	if match == nil || match[2] == baselines[match[1]] {
		return ""
	}
	baseline := series{benchmark: strings.Replace(s.benchmark, match[0], match[1]+"="+baselines[match[1]], 1), unit: s.unit}
	theirs, ok := r.values[baseline]
	if !ok {
		return ""
	}
	ours := median(slices.Sorted(slices.Values(r.values[s])))
	base := median(slices.Sorted(slices.Values(theirs)))
	switch {
	case ours <= 0 || base <= 0:
		return ""
	case s.unit == "ns/op", strings.HasSuffix(s.unit, "-ms"):
		return fmt.Sprintf("%.2f", base/ours)
	case strings.HasSuffix(s.unit, "/s"):
		return fmt.Sprintf("%.2f", ours/base)
	}
	return ""
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func number(v float64) string {
	if v >= 100 || v <= -100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
