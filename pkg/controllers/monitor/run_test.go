// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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

// TestRunsOfAnotherClock end when they say so, also where their clock is ahead.
func TestRunsOfAnotherClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	w.put(gadget("second", "bad", 1))
	w.put(gadget("third", "bad", 299))
	w.run()
	w.see("third Active")
	w.eventually(func() bool { return w.one().Status.Occurrences == 2 }, "both are told")
	require.Equal(t, at(299), w.one().Status.LastSeen.Time)
	w.run()
	w.settle(own)
	w.put(gadget("fourth", "good", 300))
	w.see("third Resolved")
	require.Equal(t, 3, w.reports(), "none is told twice")
}

// TestRunOfTheFuture is not told before the server takes it, and hides nothing until then.
func TestRunOfTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	w.put(gadget("first", "bad", -60))
	w.put(gadget("far", "good", 360))
	w.run()
	w.see("first Active")
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError != nil })
	require.Equal(t, "far", status.LastError.Name)
	require.Equal(t, "says that the run ended at 2026-03-01T12:06:00Z, which is yet to come", status.LastError.Message)
	w.clock.Step(time.Minute)
	w.seeLater("first Resolved")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError == nil })
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
	w.put(gadget(names[0], "bad", -1000, func(obj *unstructured.Unstructured) { obj.SetGeneration(2) }))
	names = append(names, "more")
	w.put(gadget("more", "bad", -1))
	w.see("more Active")
	require.Equal(t, len(names), w.reports(), "an event is no end")
	w.run()
	w.settle(own)
	w.put(gadget("last", "good", 0))
	w.see("more Resolved")
	require.EqualValues(t, 61, w.one().Status.Occurrences)
	require.Equal(t, len(names)+1, w.reports())
}

// TestTestedAgain: an item that failed ends once more. Its object is no run of one end.
func TestTestedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs, func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.ForEach = `parseJSON(object.metadata.annotations.tests)`
		s.Failing, s.Recovered, s.Ignore = `item.status == "bad"`, `item.status == "good"`, ""
		s.Issue.Key, s.Issue.Title, s.ObservedAt = `item.name`, `item.name`, `item.at`
	}))
	test := func(name, status string, seconds int) {
		w.put(gadget("a", "", 0, func(obj *unstructured.Unstructured) {
			obj.SetAnnotations(map[string]string{"tests": fmt.Sprintf(`[{"name": %q, "status": %q, "at": %q}]`, name, status, at(seconds).Format(time.RFC3339))})
		}))
	}
	test("x", "bad", -60)
	w.run()
	w.see("x Active")
	test("x", "bad", -50)
	w.eventually(func() bool { return w.one().Status.Occurrences == 2 }, "it failed once more")
	require.Equal(t, at(-50), w.one().Status.LastSeen.Time)
	require.Equal(t, "a", w.one().Status.Runs[0].Name)
	test("x", "good", -40)
	w.see("x Resolved")
	test("x", "bad", -30)
	w.see("x Active")
	reports := w.reports()
	w.run()
	w.settle(own)
	test("x", "good", -20)
	w.see("x Resolved")
	require.EqualValues(t, 3, w.one().Status.Occurrences)
	require.Equal(t, reports+1, w.reports())
}

// TestRunOfAnotherObject of the same name is not taken for the first.
func TestRunOfAnotherObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.put(gadget("a", "bad", -50, func(obj *unstructured.Unstructured) { obj.SetUID("uid-again") }))
	w.eventually(func() bool { return w.one().Status.Occurrences == 2 }, "both count")
	require.Equal(t, "uid-again", string(w.one().Status.Runs[0].UID))
}

// TestRunsOfLongAgo may have been told, resolved and removed. What is Active is told on.
func TestRunsOfLongAgo(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		expires    *metav1.Duration
		old, young time.Duration
	}{
		"Kept":    {old: 8 * 24 * time.Hour, young: 6 * 24 * time.Hour},
		"Expired": {old: 48 * time.Hour, young: 12 * time.Hour, expires: &metav1.Duration{Duration: 24 * time.Hour}},
		"Long":    {old: 8 * 24 * time.Hour, young: 6 * 24 * time.Hour, expires: &metav1.Duration{Duration: 720 * time.Hour}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(runs, func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.ExpiresAfter = tc.expires }))
			w.put(gadget("old", "bad", -int(tc.old.Seconds())))
			w.put(gadget("young", "bad", -int(tc.young.Seconds())))
			w.run()
			w.see("young Active")
			w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.ObservedGeneration == 1 && s.Failing == 2 })
			require.EqualValues(t, 1, w.one().Status.Occurrences)
			w.end()
			w.clock.Step(tc.old)
			w.change(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Title = `object.metadata.name + "!"` })
			w.remove(namespace, "old")
			reports := w.reports()
			w.run()
			w.eventually(func() bool { return w.reports() > reports }, "it is told anew")
		})
	}
}

// TestPersonReopensRuns: it is the next run that shows whether they work.
func TestPersonReopensRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(runs))
	w.put(gadget("a", "bad", -60))
	w.put(gadget("b", "good", -50))
	w.run()
	w.settle(own)
	w.put(gadget("c", "bad", -40))
	w.see("c Active")
	w.put(gadget("d", "good", -30))
	w.see("c Resolved")
	w.reopen("c", w.clock.Now())
	reports := w.reports()
	w.put(gadget("e", "good", -20))
	w.run()
	w.settle(own)
	w.clock.Step(time.Minute)
	w.put(gadget("f", "good", 30))
	w.see("c Resolved")
	require.Equal(t, at(30), w.one().Status.ResolvedAt.Time)
	require.Equal(t, reports+1, w.reports())
}
