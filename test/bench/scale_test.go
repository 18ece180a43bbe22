// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/test/bench/workload"
)

// envIssues is how many issues the larger population has.
const envIssues = "KITE_BENCH_ISSUES"

const (
	largeIssues     = 1_000_000
	smallNamespaces = 10
	// askedNamespaces are so few that PostgreSQL's buffers hold what is read of them, by
	// default 128 MB; spreadNamespaces, one after the other, so many that they do not.
	askedNamespaces, spreadNamespaces = 4, 100
	// rounds and wideRounds are how often each question is asked of each taker.
	rounds, wideRounds = 200, 20
)

// taker is asked about some namespaces of a world.
type taker struct {
	name       string
	world      *world
	client     rest.Interface
	namespaces []int
}

// spot is what a taker is asked about in a round. It comes back to a namespace with the
// next issue there.
func (t *taker) spot(round int) *spot {
	return &spot{t, t.namespaces[round%len(t.namespaces)], round / len(t.namespaces)}
}

// every returns n namespaces at equal distances.
func (w *world) every(n int) []int {
	n = min(n, w.Namespaces)
	out := make([]int, n)
	for i := range out {
		out[i] = i * w.Namespaces / n
	}
	return out
}

// BenchmarkScale asks the same of two populations, by a kite-apiserver process on each:
// 10,000 issues in 10 namespaces, and 1,000,000 in 1,000. They take turns, request by
// request. A round has a fixed size, so run it with -test.benchtime 1x.
func BenchmarkScale(b *testing.B) {
	n := issuesOf(b)
	small, large := newWorld(b, smallNamespaces), keptWorld(b, n/workload.PerNamespace)
	ofSmall, ofLarge := small.serve(b), large.serve(b)
	takers := []*taker{
		{"small", small, ofSmall, small.every(askedNamespaces)},
		{"large", large, ofLarge, large.every(askedNamespaces)},
		{"spread", large, ofLarge, large.every(spreadNamespaces)},
	}
	for _, q := range questions() {
		b.Run("In=namespace/"+q.name, func(b *testing.B) { askInTurns(b, q, takers, rounds) })
	}
	for _, q := range wideQuestions() {
		b.Run("In=all/"+q.name, func(b *testing.B) { askInTurns(b, q, takers[:2], wideRounds) })
	}
}

func issuesOf(b *testing.B) int {
	b.Helper()
	given := os.Getenv(envIssues)
	if given == "" {
		return largeIssues
	}
	n, err := strconv.Atoi(given)
	require.NoError(b, err, envIssues)
	require.GreaterOrEqual(b, n, smallNamespaces*workload.PerNamespace, envIssues)
	return n
}

// askInTurns asks everything once before it measures: what is asked for is then known to
// both servers and to the system, and what the database itself remembers is its own
// matter. Each begins a round as often as the others.
func askInTurns(b *testing.B, q question, takers []*taker, rounds int) {
	b.Helper()
	for _, t := range takers {
		for round := range len(t.namespaces) {
			_, answer := t.ask(b, q, round)
			if round == 0 {
				require.NoError(b, q.check(answer), t.name)
			}
		}
	}
	took := make([][]int64, len(takers))
	for round := range rounds {
		for i := range takers {
			i = (i + round) % len(takers)
			nanoseconds, _ := takers[i].ask(b, q, round)
			took[i] = append(took[i], nanoseconds)
		}
	}
	b.ReportMetric(0, "ns/op") // of all requests together it says nothing
	base := float64(quantile(took[0], 50))
	for i, t := range takers {
		reportQuantiles(b, took[i], t.name)
		if i > 0 {
			b.ReportMetric(float64(quantile(took[i], 50))/base, t.name+"/"+takers[0].name)
		}
	}
}

// ask makes the request of a round, and returns how long that took.
func (t *taker) ask(b *testing.B, q question, round int) (nanoseconds int64, answer []byte) {
	b.Helper()
	ask, err := q.prepare(b.Context(), t.spot(round))
	require.NoError(b, err)
	start := time.Now()
	answer, err = ask(b.Context())
	nanoseconds = int64(time.Since(start))
	require.NoError(b, err, "%s of %s", q.name, t.name)
	return nanoseconds, answer
}
