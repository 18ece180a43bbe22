// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// runs of one plan share an issue.
func runs(s *issuesv1alpha1.IssueMonitorSpec) {
	s.Mode = issuesv1alpha1.ModeRun
	s.Issue.Scope = &issuesv1alpha1.ScopeTemplate{Kind: `"Plan"`, Name: `"plan"`}
}

// TestRuns: the one that ended last decides, in whatever order they are seen.
func TestRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	w.put(gadget("first", "bad", -60))
	w.put(gadget("second", "good", -50))
	w.run()
	w.settle(own)
	w.put(gadget("fourth", "bad", -30))
	w.see("fourth Active")
	w.put(gadget("third", "bad", -40))
	w.eventually(func() bool { return w.one().Status.Occurrences == 2 }, "each run counts")
	require.Equal(t, "fourth", w.one().Status.Runs[0].Name)
	require.Equal(t, "uid-fourth", string(w.one().Status.Runs[0].UID))
	require.Equal(t, at(-40), w.one().Status.FirstSeen.Time)

	w.put(gadget("fifth", "good", -20))
	w.see("fourth Resolved")
	require.Equal(t, at(-20), w.one().Status.ResolvedAt.Time)
	require.Equal(t, issues.OutcomeSucceeded, w.one().Status.Runs[0].Outcome)
	w.put(gadget("sixth", "bad", -10))
	w.see("sixth Active")
	require.EqualValues(t, 3, w.one().Status.Occurrences)
	reports := w.reports()

	w.remove(namespace, "sixth")
	w.put(gadget("late", "good", -15))
	w.run()
	w.settle(own)
	w.put(gadget("seventh", "good", 0))
	w.see("sixth Resolved")
	require.Equal(t, reports+1, w.reports(), "that a run is deleted says nothing")
}

// TestRunsOfNoTime cannot be ordered.
func TestRunsOfNoTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs, func(s *issuesv1alpha1.IssueMonitorSpec) { s.ObservedAt = `""` }))
	w.put(gadget("a", "bad", -60))
	w.put(gadget("waits", "", -60))
	w.run()
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError != nil && s.Watched == 2 })
	require.Equal(t, "gave no time for a run that has ended", status.LastError.Message)
	require.Equal(t, "a", status.LastError.Name)
	require.Zero(t, w.reports())
}

// TestManyRuns are each reported once, and none twice.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	names := []string{}
	for i := range 60 { // a fake watch holds 100 events
		name := "run-" + time.Duration(i).String()
		names = append(names, name)
		w.put(gadget(name, "bad", -1000+i))
	}
	w.run()
	w.eventually(func() bool { return w.reports() >= len(names) }, "all are reported")
	w.run()
	w.settle(own)
	w.put(gadget("last", "good", 0))
	w.see("run-59ns Resolved")
	require.EqualValues(t, 60, w.one().Status.Occurrences)
	require.Equal(t, len(names)+1, w.reports())
}
