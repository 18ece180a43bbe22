// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// TestFailRecoverFail is one issue, which counts two failures.
func TestFailRecoverFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.put(gadget("b", "good", -60))
	w.put(gadget("c", "waiting", -60))
	w.put(gadget("d", "ignored", -60))
	w.run()
	w.see("a Active")
	issue := w.one()
	require.Equal(t, at(-60), issue.Status.FirstSeen.Time)
	require.Equal(t, "IssueMonitor/team-gamma/gadgets", issue.Status.Source)
	require.Equal(t, "uid-a", string(issue.Spec.Scope.UID))

	w.put(gadget("a", "good", -30))
	w.see("a Resolved")
	require.Equal(t, at(-30), w.one().Status.ResolvedAt.Time)
	w.put(gadget("a", "bad", -20))
	w.see("a Active")
	require.EqualValues(t, 2, w.one().Status.Occurrences)
	require.EqualValues(t, 1, w.one().Status.Reopened)
	require.Equal(t, 3, w.reports(), "what is well is not reported")
}

// TestWithinASecond: times of objects are of whole seconds, in which much can happen.
func TestWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.run()
	for range 3 {
		w.put(gadget("a", "bad", 0))
		w.see("a Active")
		w.clock.Step(10 * time.Millisecond)
		w.put(gadget("a", "good", 0))
		w.see("a Resolved")
		w.clock.Step(10 * time.Millisecond)
	}
	require.EqualValues(t, 3, w.one().Status.Occurrences)
}

// TestRestart reports nothing twice, and notices what happened meanwhile.
func TestRestart(t *testing.T) {
	t.Parallel()
	for name, observedAt := range map[string]string{"Stated": `object.status.since`, "Seen": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.ObservedAt = observedAt }))
			for _, name := range []string{"gone", "stays", "well"} {
				w.put(gadget(name, "bad", -60))
			}
			w.run()
			w.see("gone Active", "stays Active", "well Active")
			w.end()
			reports := w.reports()
			w.clock.Step(time.Minute)
			w.remove(namespace, "gone")
			w.put(gadget("well", "good", 30))
			w.run()
			w.see("gone Resolved", "stays Active", "well Resolved")
			w.settle(own)
			require.Equal(t, reports+2, w.reports())
		})
	}
}

// TestPersonResolves: what a person resolves stays so until it fails anew.
func TestPersonResolves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.end()
	w.resolve("a", "")
	w.clock.Step(time.Minute)
	w.put(gadget("a", "bad", -50)) // when the person spoke, it had failed anew
	w.run()
	w.settle(own)
	w.put(gadget("b", "bad", 0)) // when this is reported, a has had its turn
	w.see("a Resolved", "b Active")
	w.clock.Step(time.Minute)
	w.put(gadget("a", "good", 30))
	w.put(gadget("b", "good", 30))
	w.see("a Resolved", "b Resolved")
	w.clock.Step(time.Minute)
	w.put(gadget("a", "bad", 90))
	w.see("a Active", "b Resolved")
}

// TestResolvedMeanwhile: what the controller still sees fail, a person knows better, and so
// does who saw that its scope is gone.
func TestResolvedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{issues.ReasonResolved, issues.ReasonScopeDeleted} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			identity := identityOf(namespace, issuesv1alpha1.ReportedIssue{Type: issuesv1alpha1.TypeRuntime, Scope: w.scope()})
			w.eventually(func() bool { return w.controller.active(identity) != nil }, "the cache has it")
			w.resolve("a", reason)
			w.eventually(func() bool { return w.controller.active(identity) == nil }, "the cache has seen it")
			w.put(gadget("a", "bad", -50)) // a further look changes nothing
			w.put(gadget("b", "bad", 0))   // when this is reported, a has had its turn
			w.see("a Resolved", "b Active")
			require.Equal(t, 2, w.reports())
		})
	}
}

// TestPersonReopens what is well, which the monitor knows better, also where the person's
// clock is ahead.
func TestPersonReopens(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"Now": 0, "Ahead": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			w.put(gadget("a", "good", -30))
			w.see("a Resolved")
			w.reopen("a", w.clock.Now().Add(ahead))
			w.eventually(func() bool {
				w.clock.Step(time.Second)
				return w.one().Status.State == issues.StateResolved
			}, "it is resolved again")
			require.EqualValues(t, 1, w.one().Status.Reopened)
		})
	}
}

// TestComesBack: what fails since it was reported is Active again when it is seen again, after
// its issue was resolved for another reason than its recovery.
func TestComesBack(t *testing.T) {
	t.Parallel()
	tenant := map[string]string{"tenant": "yes"}
	monitors := func(w *world) issuesclient.IssueMonitorInterface {
		return w.client.IssuesV1alpha1().IssueMonitors(namespace)
	}
	cases := map[string]struct {
		goes, comes func(*world)
	}{
		"MonitorAppliedAgain": {
			goes: func(w *world) { require.NoError(t, monitors(w).Delete(t.Context(), own.Name, metav1.DeleteOptions{})) },
			comes: func(w *world) {
				_, err := monitors(w).Create(t.Context(), newMonitor(), metav1.CreateOptions{})
				require.NoError(t, err)
			},
		},
		"MonitorRenamed": {
			goes: func(w *world) {
				other := newMonitor()
				other.Name, other.UID = "other", "uid-other"
				_, err := monitors(w).Create(t.Context(), other, metav1.CreateOptions{})
				require.NoError(t, err)
				w.eventually(func() bool { return w.reports() == 2 }, "the other has reported it, too")
				require.NoError(t, monitors(w).Delete(t.Context(), own.Name, metav1.DeleteOptions{}))
			},
		},
		"Relabelled": {
			goes:  func(w *world) { w.remove(namespace, "a") },
			comes: func(w *world) { w.put(gadget("a", "bad", -60)) },
		},
		"NamespaceRelabelled": {
			goes:  func(w *world) { w.addNamespace(namespace, nil) },
			comes: func(w *world) { w.addNamespace(namespace, tenant) },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
				s.Resource.NamespaceSelector = &metav1.LabelSelector{MatchLabels: tenant}
			}))
			w.addNamespace(namespace, tenant)
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			w.clock.Step(time.Minute)
			tc.goes(w)
			if tc.comes != nil {
				w.see("a Resolved")
				tc.comes(w)
			}
			w.eventually(func() bool {
				w.clock.Step(time.Second)
				return w.one().Status.Reopened == 1
			}, "it is opened again")
			w.see("a Active")
		})
	}
}

// TestTwoReporters see one failure: an alert and a monitor.
func TestTwoReporters(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		reopened int32
		then     func(w *world, alert func(issuesv1alpha1.Outcome, int))
	}{
		"AlertEndsFirst": {
			reason: "what the monitor sees still fails", reopened: 1,
			then: func(w *world, alert func(issuesv1alpha1.Outcome, int)) {
				alert(issuesv1alpha1.OutcomeSucceeded, -20)
				w.eventually(func() bool { return w.one().Status.Reopened == 1 }, "it is opened again")
				w.put(gadget("a", "good", 0))
			},
		},
		"MonitorEndsFirst": {
			reason: "the alert fires still, and was the last to tell",
			then: func(w *world, alert func(issuesv1alpha1.Outcome, int)) {
				w.put(gadget("a", "good", -10))
				w.put(gadget("z", "bad", -10)) // when this is reported, a has had its turn
				w.see("a Active", "z Active")
				w.put(gadget("z", "good", -5))
				w.see("a Active", "z Resolved")
				alert(issuesv1alpha1.OutcomeSucceeded, 0)
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			fields := issuesv1alpha1.ReportedIssue{Title: "a", Type: issuesv1alpha1.TypeRuntime, Severity: issuesv1alpha1.SeverityMajor, Scope: w.scope()}
			alert := func(outcome issuesv1alpha1.Outcome, seconds int) {
				_, err := w.report("gateway", namespace, issuesv1alpha1.IssueReportSpec{
					Outcome: outcome, ObservedAt: micro(at(seconds)), Source: "Alert/CrashLoop", Issue: fields,
				})
				require.NoError(t, err)
			}
			alert(issuesv1alpha1.OutcomeFailed, -30)
			w.eventually(func() bool {
				issue := w.controller.active(identityOf(namespace, fields))
				return issue != nil && issue.Status.Source == "Alert/CrashLoop"
			}, "the cache has the alert")
			tc.then(w, alert)
			w.see(append([]string{"a Resolved"}, w.all()[1:]...)...)
			w.run()
			w.settle(own)
			w.see(append([]string{"a Resolved"}, w.all()[1:]...)...)
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, issue := range w.issues {
				if issue.Spec.Title == "a" {
					require.Equal(t, tc.reopened, issue.Status.Reopened, tc.reason)
				}
			}
		})
	}
}

// TestEventsBeside: an event of the same failure, which expires, leaves it to the monitor to
// tell the end.
func TestEventsBeside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	fields := issuesv1alpha1.ReportedIssue{
		Title: "a", Type: issuesv1alpha1.TypeRuntime, Severity: issuesv1alpha1.SeverityMajor, Scope: w.scope(),
		ExpiresAfter: &metav1.Duration{Duration: time.Hour},
	}
	_, err := w.report("gateway", namespace, issuesv1alpha1.IssueReportSpec{
		Outcome: issuesv1alpha1.OutcomeFailed, ObservedAt: micro(at(-30)), Source: "Event/BackOff", Issue: fields,
	})
	require.NoError(t, err)
	w.eventually(func() bool {
		issue := w.controller.active(identityOf(namespace, fields))
		return issue != nil && issue.Status.LastSeen.Time.Equal(at(-30))
	}, "the cache has the event")
	w.put(gadget("a", "good", 0))
	w.see("a Resolved")
}

// TestOvertaken: what fails is Active, whatever was reported since it began.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.end()
	_, err := w.Succeeded(t.Context(), namespace, issuesv1alpha1.IssueReportSpec{
		ObservedAt: micro(at(0)), Issue: issuesv1alpha1.ReportedIssue{Type: issuesv1alpha1.TypeRuntime, Scope: w.scope()},
	})
	require.NoError(t, err)
	w.see("a Resolved")
	w.clock.Step(time.Minute)
	w.put(gadget("a", "bad", -30))
	w.run()
	w.see("a Active")
	require.Equal(t, at(60), w.one().Status.LastSeen.Time)
}

// TestDeletion of what fails resolves: nothing fails any longer.
func TestDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.remove(namespace, "a")
	w.see("a Resolved")
	require.Equal(t, issues.ReasonScopeDeleted, w.one().Status.Transitions[0].Reason)
}

// TestFor waits for what does not last, by the object's own account.
func TestFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.For = &metav1.Duration{Duration: 10 * time.Minute} }))
	w.put(gadget("long", "bad", -600))
	w.put(gadget("short", "bad", -300))
	w.put(gadget("flaps", "bad", -300))
	w.run()
	w.see("long Active")
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 2 && s.Failing == 1 })
	require.EqualValues(t, 3, status.Watched)
	w.put(gadget("flaps", "good", 0))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 1 })
	w.put(gadget("flaps", "bad", 1))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 2 })
	w.see("long Active")
	w.run() // the wait goes on
	w.clock.SetTime(at(300))
	w.see("long Active", "short Active")
	require.Equal(t, 2, w.reports())
}

// TestForOfWhatWasSeen: an object that does not say since when it fails waits from when it
// was seen, however often it changes meanwhile.
func TestForOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.For, s.ObservedAt = &metav1.Duration{Duration: 10 * time.Minute}, ""
	}))
	w.put(gadget("a", "bad", 0))
	w.run()
	w.settle(own)
	w.clock.Step(6 * time.Minute)
	w.put(gadget("a", "bad", 1))
	w.put(gadget("b", "bad", 1))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 2 })
	w.clock.SetTime(at(601))
	w.see("a Active")
	require.Equal(t, start, w.one().Status.FirstSeen.Time)
}

// TestForOfOneIdentity: members of one object that share an identity wait each for itself.
func TestForOfOneIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.For, s.ObservedAt = &metav1.Duration{Duration: 10 * time.Hour}, ""
		s.ForEach = `object.status.states`
		s.Failing, s.Recovered, s.Ignore = `item == "bad"`, "", ""
	}))
	states := func(generation int64, all ...any) {
		w.put(gadget("a", "", 0, func(obj *unstructured.Unstructured) {
			require.NoError(t, unstructured.SetNestedSlice(obj.Object, all, "status", "states"))
			obj.SetGeneration(generation)
		}))
	}
	states(1, "bad", "good")
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 1 })
	w.clock.SetTime(at(6 * 3600))
	states(2, "bad", "good", "good")
	w.put(gadget("b", "", 0, func(obj *unstructured.Unstructured) {
		require.NoError(t, unstructured.SetNestedSlice(obj.Object, []any{"bad"}, "status", "states"))
	}))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 2 })
	w.clock.SetTime(at(11 * 3600))
	w.see("a Active")
}

// TestStatusAfterFor: what waited is counted as failing then, though its issue is there.
func TestStatusAfterFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.For = &metav1.Duration{Duration: 10 * time.Hour}
		s.Issue.Scope = &issuesv1alpha1.ScopeTemplate{Kind: `"Set"`, Name: `"set"`}
	}))
	w.put(gadget("a", "bad", -5*3600))
	w.put(gadget("b", "bad", 0))
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 2 })
	w.clock.SetTime(at(5*3600 + 1))
	w.see("a Active")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 1 && s.Failing == 1 })
	w.clock.SetTime(at(11 * 3600))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 0 && s.Failing == 2 })
	require.Equal(t, 1, w.reports())
}

// TestRecoveredFor: what runs for a moment between two failures has not recovered.
func TestRecoveredFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.RecoveredFor, s.ObservedAt = &metav1.Duration{Duration: 5 * time.Minute}, ""
		s.Issue.Scope = &issuesv1alpha1.ScopeTemplate{Kind: `"Set"`, Name: `object.metadata.labels.set`}
		s.Issue.Title = `object.metadata.labels.set`
	}))
	of := func(name, state, set string) {
		w.put(gadget(name, state, 0, func(obj *unstructured.Unstructured) { obj.SetLabels(map[string]string{"set": set}) }))
	}
	of("a", "bad", "flaps")
	of("b", "bad", "replaced")
	w.run()
	w.see("flaps Active", "replaced Active")
	for range 3 {
		of("a", "good", "flaps")
		w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 1 })
		of("a", "starting", "flaps")
		of("a", "bad", "flaps")
		w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 2 })
	}
	of("c", "good", "replaced")
	w.remove(namespace, "b")
	w.see("flaps Active", "replaced Resolved")
	require.Equal(t, 3, w.reports(), "one failure is one report")
	of("a", "waits", "flaps")
	of("a", "good", "flaps")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 0 })
	of("d", "bad", "last") // when this is reported, the others have had their turn
	w.see("flaps Active", "last Active", "replaced Resolved")
	w.clock.Step(5 * time.Minute)
	w.see("flaps Resolved", "last Active", "replaced Resolved")
}

// TestRecoveredForAfterARestart: nobody knows how long what runs has done so.
func TestRecoveredForAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.RecoveredFor, s.ObservedAt = &metav1.Duration{Duration: 5 * time.Minute}, ""
	}))
	w.put(gadget("flaps", "bad", -60))
	w.run()
	w.see("flaps Active")
	w.end()
	w.put(gadget("flaps", "good", 0))
	w.run()
	w.settle(own)
	w.put(gadget("flaps", "good", 1)) // another event of an object that is as it was
	w.put(gadget("last", "bad", 0))   // when this is reported, the other has had its turn
	w.see("flaps Active", "last Active")
	w.clock.Step(5 * time.Minute)
	w.see("flaps Resolved", "last Active")
}

// TestRecoveryIsToldOnce, though the cache may show the issue for longer.
func TestRecoveryIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	issue := &issuesv1alpha1.Issue{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "a", ResourceVersion: "1"}}
	spec := issuesv1alpha1.IssueReportSpec{
		ObservedAt: micro(start),
		Issue:      issuesv1alpha1.ReportedIssue{Type: "x", Scope: issuesv1alpha1.IssueScope{Kind: "Gadget", Name: "a"}},
	}
	for _, version := range []string{"1", "1", "2"} {
		issue.ResourceVersion = version
		require.NoError(t, w.controller.succeeded(t.Context(), namespace, issue, spec))
	}
	require.Equal(t, 2, w.reports(), "one for each version")
	w.controller.forget(identityOf(namespace, spec.Issue))
	require.Empty(t, w.controller.resolved)
}

// TestForEach has an issue for each item, and none for those that are gone.
func TestForEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.ForEach = `parseJSON(object.metadata.annotations.tests)`
		s.Failing, s.Recovered, s.Ignore, s.ObservedAt = `item.status == "bad"`, "", "", ""
		s.Issue.Key, s.Issue.Title = `item.name`, `item.name`
	}))
	tests := func(text string) *unstructured.Unstructured {
		return gadget("a", "", 0, func(obj *unstructured.Unstructured) { obj.SetAnnotations(map[string]string{"tests": text}) })
	}
	w.put(tests(`[{"name": "x", "status": "bad"}, {"name": "y", "status": "bad"}, {"name": "z", "status": "good"}]`))
	w.run()
	w.see("x Active", "y Active")
	w.put(tests(`[{"name": "z", "status": "bad"}, {"name": "x", "status": "good"}]`))
	w.see("x Resolved", "y Resolved", "z Active")
}

// TestMadeAgain: an object that was deleted and made again fails anew, in whatever order the
// end of the first one's issue and the second one are seen.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	identity := identityOf(namespace, issuesv1alpha1.ReportedIssue{
		Type: issuesv1alpha1.TypeRuntime, Scope: issuesv1alpha1.IssueScope{APIGroup: gadgets.Group, Kind: "Gadget", Name: "a"},
	})
	resolve := func(reason string) func(*world) {
		return func(w *world) {
			w.resolve("a", reason)
			w.eventually(func() bool { return w.controller.active(identity) == nil }, "the cache has seen it")
		}
	}
	asked := func(w *world) {
		w.eventually(func() bool { return w.controller.watcher(own).issueOf(identity) == "" }, "it was asked why")
	}
	again := func(state string) func(*world) {
		return func(w *world) {
			seconds := int(w.clock.Since(start).Seconds()) - 30
			w.put(gadget("a", state, seconds, uid("uid-again")))
			w.eventually(func() bool { return w.controller.watcher(own).uidOf("a") == "uid-again" }, "it is known")
		}
	}
	gone := resolve(issues.ReasonScopeDeleted)
	cases := map[string]struct {
		reason string
		steps  []func(*world)
	}{
		"Late":      {"the issue is about what is there, before it ends for what is not", []func(*world){again("bad")}},
		"Early":     {"the first one was seen for longer than its issue", []func(*world){gone, asked, again("bad")}},
		"Undecided": {"nothing was known of the second one at first", []func(*world){again(""), gone, again("bad")}},
		"Person":    {"a person spoke of the first one", []func(*world){resolve(""), asked, again("bad")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			w.eventually(func() bool { return w.controller.watcher(own).issueOf(identity) != "" }, "the cache has it")
			for _, step := range tc.steps {
				w.clock.Step(time.Minute)
				step(w)
			}
			w.eventually(func() bool {
				issue := w.one()
				return issue.Status.State == issues.StateActive && issue.Spec.Scope.UID == "uid-again"
			}, tc.reason)
			require.EqualValues(t, 2, w.one().Status.Occurrences)
		})
	}
}

// issueOf is the Active issue of a problem, as far as the watcher knows.
func (w *watcher) issueOf(identity string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.problems[identity]; p != nil {
		return p.issue
	}
	return ""
}
