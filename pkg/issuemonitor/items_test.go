// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
	"kite.dev/kite/pkg/issuemonitor"
)

// scenarios are several problems of one object.
func scenarios(s *issues.IssueMonitorSpec) {
	s.ForEach = `parseJSON(object.metadata.annotations.tests)`
	s.Failing = `item.status in table && table[item.status].?fails.orValue("") == "yes"`
	s.Recovered = `item.status == "passed"`
	s.Issue.Key, s.Issue.Title = `item.scenario`, `item.scenario + " " + table[item.status].title`
	s.ObservedAt = `item.?at.orValue("")`
	s.Table = []issues.MonitorRow{
		{Name: "invalid", Values: map[string]string{"fails": "yes", "title": "is not valid"}},
		{Name: "passed"},
	}
}

func withTests(tests string) func(map[string]any) {
	return func(content map[string]any) {
		content["metadata"].(map[string]any)["annotations"] = map[string]any{"tests": tests}
	}
}

// TestItems: every member has a verdict and an identity of its own.
func TestItems(t *testing.T) {
	t.Parallel()
	monitor := compiled(t, scenarios)
	items, err := monitor.Items(t.Context(), newInput(withTests(
		`[{"scenario":"a","status":"invalid","at":"2026-03-01T12:00:00Z"},{"scenario":"b","status":"passed"},{"scenario":"c","status":"waits"}]`)))
	require.NoError(t, err)
	require.Len(t, items, 3)
	for i, want := range []issuemonitor.Verdict{issuemonitor.Failing, issuemonitor.Recovered, issuemonitor.Undecided} {
		verdict, err := monitor.Judge(t.Context(), items[i])
		require.NoError(t, err)
		require.Equal(t, want, verdict)
		identity, err := monitor.Identify(t.Context(), items[i])
		require.NoError(t, err)
		require.Equal(t, string(rune('a'+i)), identity.Key)
	}
	issue, err := monitor.Describe(t.Context(), items[0])
	require.NoError(t, err)
	require.Equal(t, "a is not valid", issue.Title)

	at, err := monitor.ObservedAt(t.Context(), items[0])
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC), at)
	at, err = monitor.ObservedAt(t.Context(), items[1])
	require.NoError(t, err)
	require.Zero(t, at, "an empty text is no time")
}

// TestNoItems: without forEach the object is all that is asked for.
func TestNoItems(t *testing.T) {
	t.Parallel()
	monitor := compiled(t)
	items, err := monitor.Items(t.Context(), newInput())
	require.NoError(t, err)
	require.Len(t, items, 1)
	at, err := monitor.ObservedAt(t.Context(), items[0])
	require.NoError(t, err)
	require.Zero(t, at)

	_, errs := issuemonitor.Compile(newSpec(func(s *issues.IssueMonitorSpec) { s.Failing = `item == 1` }), specPath)
	require.Len(t, errs, 1)
	require.Contains(t, errs[0].Detail, "undeclared reference to 'item'")
	_, errs = issuemonitor.Compile(newSpec(func(s *issues.IssueMonitorSpec) { s.ForEach = `[item]` }), specPath)
	require.Len(t, errs, 1, "a list of itself")
}

// TestItemsAreBounded, and so is what all of them cost together.
func TestItemsAreBounded(t *testing.T) {
	t.Parallel()
	many := make([]any, issuemonitor.MaxItems+1)
	input := newInput(func(content map[string]any) { content["many"] = many })
	_, err := compiled(t, func(s *issues.IssueMonitorSpec) { s.ForEach = `object.many` }).Items(t.Context(), input)
	require.ErrorContains(t, err, "spec.forEach: gave more than 100 items")

	monitor := compiled(t, func(s *issues.IssueMonitorSpec) {
		s.ForEach = `object.many.filter(x, true).slice(0, 100)`
		s.Failing = `object.many.exists(x, object.many.exists(y, 1 == 2 || item == 1))`
	})
	items, err := monitor.Items(t.Context(), input)
	require.NoError(t, err)
	_, err = monitor.Judge(t.Context(), items[0])
	require.NoError(t, err)
	last := err
	for _, item := range items[1:] {
		_, last = monitor.Judge(t.Context(), item)
	}
	require.ErrorIs(t, last, expression.ErrBudget)
}

func TestObservedAtRefuses(t *testing.T) {
	t.Parallel()
	_, err := compiled(t, func(s *issues.IssueMonitorSpec) { s.ObservedAt = `object.metadata.name` }).ObservedAt(t.Context(), newInput())
	require.ErrorContains(t, err, `spec.observedAt: must give a time such as 2026-03-01T12:00:00Z, but gives "shop"`)
}

// TestReadsOwner: the owner is looked for only where it is asked for.
func TestReadsOwner(t *testing.T) {
	t.Parallel()
	require.False(t, compiled(t).ReadsOwner())
	require.True(t, compiled(t, everyField).ReadsOwner())
	require.True(t, compiled(t, func(s *issues.IssueMonitorSpec) { s.ForEach = `[owner.kind]` }).ReadsOwner())
}
