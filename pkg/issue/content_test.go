// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func TestPersonsEditStays(t *testing.T) {
	t.Parallel()
	old := apply(nil, failed(1, withTitle("first"))).Issue
	edited := old.DeepCopy()
	edited.Spec.Severity = issues.SeverityCritical
	issue.PrepareUpdate(edited, old, "ann", late)
	require.Equal(t, int64(2), edited.Generation)

	got := apply(edited, failed(2, withTitle("second"))).Issue
	require.Equal(t, "second", got.Spec.Title, "nobody touched the title")
	require.Equal(t, issues.SeverityCritical, got.Spec.Severity, "the person's severity stays")
	require.Equal(t, issues.SeverityMajor, got.Status.Reported.Severity)
	require.Equal(t, int64(3), got.Generation)
	require.Equal(t, int64(3), got.Status.ObservedGeneration)

	got = apply(got, failed(3, withTitle("second"))).Issue
	require.Equal(t, int64(3), got.Generation, "a report that says the same changes no spec")
}

func TestHandWrittenSpecStays(t *testing.T) {
	t.Parallel()
	byHand := &issues.Issue{Spec: issues.IssueSpec(failed(0).Spec.Issue)}
	byHand.Name, byHand.Namespace = "my-issue", "team-gamma"
	byHand.Spec.Title = "written by a person"
	byHand.Status.State = issues.StateResolved
	issue.PrepareCreate(byHand, "ann", at(10))
	require.Equal(t, issues.StateActive, byHand.Status.State, "a new issue starts Active, whatever it says")
	require.Equal(t, int32(1), byHand.Status.Occurrences)

	got := apply(byHand, failed(5)).Issue
	require.Equal(t, "my-issue", got.Name)
	require.Equal(t, "written by a person", got.Spec.Title)
	require.Equal(t, int32(2), got.Status.Occurrences)
	require.Equal(t, microAt(5), got.Status.FirstSeen)
	require.Equal(t, microAt(10), got.Status.LastSeen)
	require.Equal(t, "robot", got.Status.ReportedBy, "the first report counts as the newest")
	require.Equal(t, "second", apply(got, failed(6, func(s *issues.IssueReportSpec) { s.LogExcerpt = "second" })).Issue.Status.LogExcerpt)
}

func TestContentIsTheNewestFailures(t *testing.T) {
	t.Parallel()
	excerpt := func(text string) reportOption {
		return func(spec *issues.IssueReportSpec) {
			spec.LogExcerpt, spec.Source = text, text
			spec.Affected = []issues.AffectedResource{{Kind: "Component", Name: text}}
		}
	}
	older, newer := failed(1, withRun("b"), excerpt("b")), failed(1, withRun("c"), excerpt("c"))
	oldest := failed(0, withRun("z"), excerpt("z"))
	for _, arrival := range [][]*issues.IssueReport{
		{older, newer, oldest}, {newer, older, oldest}, {oldest, newer, older}, {newer, oldest, older},
	} {
		got := apply(nil, arrival...).Issue
		require.Equal(t, "c", got.Status.LogExcerpt, "at one time the run's UID decides")
		require.Equal(t, "c", got.Status.Source)
		require.Equal(t, "c", got.Status.Affected[0].Name)
		require.Equal(t, []string{"run-c", "run-b", "run-z"}, runs(got))
	}
}

func runs(i *issues.Issue) []string {
	out := []string{}
	for _, run := range i.Status.Runs {
		out = append(out, run.Name)
	}
	return out
}

func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	var current *issues.Issue
	for i := range 30 {
		current = apply(current, failed(2*i, withRun(fmt.Sprint(i))), succeeded(2*i+1, withRun(fmt.Sprint("ok-", i)))).Issue
	}
	require.Len(t, current.Status.Runs, issue.MaxRuns)
	require.Len(t, current.Status.Transitions, issue.MaxTransitions)
	require.Equal(t, "run-ok-29", current.Status.Runs[0].Name)
	require.Equal(t, int32(29), current.Status.Reopened)

	green := apply(current, succeeded(100, withRun("green"))).Issue
	require.Equal(t, runs(current), runs(green), "green runs of a Resolved issue push no failure out")
}

func FuzzLogExcerpt(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("x", issue.MaxLogExcerpt+1))
	f.Add(strings.Repeat("ä", issue.MaxLogExcerpt))
	f.Add(strings.Repeat("\xff", 3*issue.MaxLogExcerpt))
	f.Add("a" + strings.Repeat("𝄞", issue.MaxLogExcerpt/4))
	f.Fuzz(func(t *testing.T, text string) {
		got := apply(nil, failed(1, func(s *issues.IssueReportSpec) { s.LogExcerpt = text })).Issue.Status.LogExcerpt
		require.LessOrEqual(t, len(got), issue.MaxLogExcerpt)
		require.True(t, utf8.ValidString(got))
		valid := strings.ToValidUTF8(text, "\uFFFD")
		require.True(t, strings.HasSuffix(valid, got), "the end is kept")
		if len(valid) > issue.MaxLogExcerpt {
			require.Greater(t, len(got), issue.MaxLogExcerpt-utf8.UTFMax)
		}
	})
}
