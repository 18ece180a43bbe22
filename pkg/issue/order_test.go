// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// facts are what must not depend on the order of arrival.
type facts struct {
	State               issues.IssueState
	Occurrences         int32
	FirstSeen, LastSeen time.Time
}

func factsOf(i *issues.Issue) facts {
	return facts{i.Status.State, i.Status.Occurrences, i.Status.FirstSeen.Time, i.Status.LastSeen.Time}
}

// model derives the facts from the set of observations, without any order.
func model(reports []*issues.IssueReport) facts {
	seen := map[string]bool{}
	var out facts
	var recovered time.Time
	for _, report := range reports {
		t := report.Spec.ObservedAt.Time
		if report.Spec.Outcome == issues.OutcomeSucceeded {
			if t.After(recovered) {
				recovered = t
			}
			continue
		}
		id := t.String()
		if report.Spec.Run != nil {
			id = string(report.Spec.Run.UID)
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		out.Occurrences++
		if out.FirstSeen.IsZero() || t.Before(out.FirstSeen) {
			out.FirstSeen = t
		}
		if t.After(out.LastSeen) {
			out.LastSeen = t
		}
	}
	out.State = issues.StateActive
	if !recovered.Before(out.LastSeen) {
		out.State = issues.StateResolved
	}
	return out
}

// randomReports makes observations in few distinct instants, so that ties are
// common, and repeats some of them.
func randomReports(random *rand.Rand) []*issues.IssueReport {
	var out []*issues.IssueReport
	for n := range 2 + random.IntN(12) {
		var options []reportOption
		if random.IntN(2) == 0 {
			options = append(options, withRun(fmt.Sprintf("uid-%d", n)))
		}
		outcome := issues.OutcomeFailed
		if random.IntN(3) == 0 {
			outcome = issues.OutcomeSucceeded
		}
		out = append(out, report(outcome, random.IntN(8), options...))
		if random.IntN(4) == 0 {
			out = append(out, out[random.IntN(len(out))])
		}
	}
	return out
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		reports := randomReports(random)
		first := random.IntN(len(reports))
		// A recovery without an issue is not remembered: a failure opens it.
		reports[first].Spec.Outcome = issues.OutcomeFailed
		want := model(reports)

		for range 8 {
			arrival := append([]*issues.IssueReport{reports[first]}, reports[:first]...)
			arrival = append(arrival, reports[first+1:]...)
			rest := arrival[1:]
			random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			got := apply(nil, arrival...).Issue
			require.Empty(t, cmp.Diff(want, factsOf(got)), "seed %d", seed)

			again := apply(got, arrival...)
			require.Same(t, got, again.Issue, "seed %d: a replay writes nothing", seed)
		}
	}
}

func TestManyParallelReports(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	reports := make([]*issues.IssueReport, 500)
	for i := range reports {
		reports[i] = failed(i, withRun(fmt.Sprintf("uid-%d", i)))
	}
	random.Shuffle(len(reports), func(i, j int) { reports[i], reports[j] = reports[j], reports[i] })

	got := apply(nil, reports...).Issue
	require.Equal(t, int32(500), got.Status.Occurrences)
	require.Len(t, got.Status.Runs, issue.MaxRuns)
	require.Equal(t, "run-uid-499", got.Status.Runs[0].Name, "newest first")
	require.Equal(t, "run-uid-480", got.Status.Runs[issue.MaxRuns-1].Name)

	again := apply(got, reports...)
	require.Same(t, got, again.Issue, "a restart replays nothing")
}

func TestMoreFailuresThanRemembered(t *testing.T) {
	t.Parallel()
	var current *issues.Issue
	for i := range 600 {
		current = apply(current, failed(1000+i)).Issue
	}
	require.Equal(t, int32(600), current.Status.Occurrences, "in order, every failure counts")
	require.Len(t, current.Status.CountedFailures, 512*10)

	require.Equal(t, issues.ResultUnchanged, apply(current, failed(1001)).Result,
		"a failure older than all that are remembered is taken for a repetition")
	require.Equal(t, issues.ResultUnchanged, apply(current, failed(1300)).Result)
	require.Equal(t, issues.ResultUpdated, apply(current, failed(2000)).Result)
}
