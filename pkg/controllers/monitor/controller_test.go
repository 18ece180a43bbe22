// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestMonitorDeleted resolves what it opened, also when nobody saw it go.
func TestMonitorDeleted(t *testing.T) {
	t.Parallel()
	for name, stopped := range map[string]bool{"Seen": false, "Unseen": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			if stopped {
				w.end()
			}
			require.NoError(t, w.client.IssuesV1alpha1().IssueMonitors(namespace).Delete(t.Context(), own.Name, metav1.DeleteOptions{}))
			w.clock.Step(interval)
			if stopped {
				w.run()
			}
			w.see("a Resolved")
			require.Equal(t, issues.ReasonMonitorDeleted, w.one().Status.Transitions[0].Reason)
		})
	}
}

// TestMonitorChanged: all is looked at again, what is told is told anew.
func TestMonitorChanged(t *testing.T) {
	t.Parallel()
	for name, stopped := range map[string]bool{"Seen": false, "Unseen": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			for _, name := range []string{"a", "b"} {
				w.put(gadget(name, "bad", -60))
			}
			w.put(gadget("c", "odd", -60))
			w.run()
			w.see("a Active", "b Active")
			w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.ObservedGeneration == 1 })
			if stopped {
				w.end()
			}
			w.change(func(s *issuesv1alpha1.IssueMonitorSpec) {
				s.Failing = `object.status.state == "odd" || object.metadata.name == "a"`
				s.Recovered = ""
				s.Issue.Title = `object.metadata.name + "!"`
			})
			if stopped {
				w.run()
			}
			w.see("a! Active", "b Resolved", "c! Active")
			w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.ObservedGeneration == 2 && s.Failing == 2 })
			reports := w.reports()
			w.run()
			w.settle(own)
			w.put(gadget("d", "odd", 0))
			w.see("a! Active", "b Resolved", "c! Active", "d! Active")
			require.Equal(t, reports+1, w.reports(), "told once")
		})
	}
}

// TestIdentityChanged: the old problems are gone, whatever is new.
func TestIdentityChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.change(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Key, s.Issue.Title = `"Bad"`, `"new"` })
	w.see("a Resolved", "new Active")
}

// TestWaits for a kind, and for a right, and says what to do.
func TestWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.serve()
	w.allowed.Delete(gadgets.Resource)
	w.run()
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return watching(s) == issuesv1alpha1.ReasonKindMissing
	})
	require.EqualValues(t, 1, status.ObservedGeneration)
	w.end()
	w.serve(metav1.APIResource{Name: gadgets.Resource, Kind: "Gadget", Namespaced: true})
	w.run()
	status = w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return watching(s) == issuesv1alpha1.ReasonRightMissing
	})
	require.Contains(t, meta.FindStatusCondition(status.Conditions, issuesv1alpha1.ConditionWatching).Message,
		"kubectl create clusterrole kite-monitor-sources-gadgets-example-com --verb=get,list,watch --resource=gadgets.example.com"+
			" && kubectl label clusterrole kite-monitor-sources-gadgets-example-com kite.dev/aggregate-to-monitor-sources=true")
	require.Empty(t, w.objects.Actions(), "nothing is watched without a right")
	w.allow(gadgets.Resource)
	w.clock.Step(interval)
	w.see("a Active")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return watching(s) == issuesv1alpha1.ReasonWatching })
}

// TestRightTaken away ends the watch, and resolves nothing.
func TestRightTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.forbid(gadgets.Resource)
	w.clock.Step(renewal)
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return watching(s) == issuesv1alpha1.ReasonRightMissing
	})
	require.Zero(t, status.Watched)
	w.see("a Active")
}

// TestInvalid: what this version cannot use is told, until it is changed, and resolves nothing.
func TestInvalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	w.change(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Failing = `object.` })
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return watching(s) == issuesv1alpha1.ReasonInvalid })
	require.EqualValues(t, 2, status.ObservedGeneration)
	require.Contains(t, meta.FindStatusCondition(status.Conditions, issuesv1alpha1.ConditionWatching).Message, "spec.failing")
	w.put(gadget("a", "good", -30))
	w.see("a Active")
	w.change(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Failing = spec().Failing })
	w.see("a Resolved")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return watching(s) == issuesv1alpha1.ReasonWatching })
}

// TestWatchFails after it had begun: it is told until it goes on.
func TestWatchFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	var watches atomic.Int32
	first, again := watch.NewFake(), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(again) })
	w.objects.PrependWatchReactor(gadgets.Resource, func(clienttesting.Action) (bool, watch.Interface, error) {
		switch watches.Add(1) {
		case 1:
			return true, first, nil
		case 2:
			return true, nil, errors.New("the webhook is away")
		default:
			<-again
			return true, watch.NewFake(), nil
		}
	})
	told := func(reason, message string) {
		status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return watching(s) == reason && s.Failing == 1 })
		require.Contains(t, meta.FindStatusCondition(status.Conditions, issuesv1alpha1.ConditionWatching).Message, message)
	}
	w.put(gadget("a", "bad", -60))
	w.run()
	t.Cleanup(goOn)
	told(issuesv1alpha1.ReasonWatching, "The resource is watched")
	first.Stop()
	told(issuesv1alpha1.ReasonNotListed, "the webhook is away")
	goOn()
	told(issuesv1alpha1.ReasonWatching, "The resource is watched")
}

// TestNobodyAnswers whether a monitor may watch still: it goes on, and forgets nothing.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for verb, resource := range map[string]string{"get": "resource", "create": "selfsubjectaccessreviews"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			w.settle(own)
			var asked atomic.Int32
			w.host.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
				asked.Add(1)
				return true, nil, errors.New("away")
			})
			for n := range int32(2) {
				w.clock.Step(renewal)
				w.eventually(func() bool { return asked.Load() > n }, "it is asked again")
			}
			w.put(gadget("a", "good", 0))
			w.see("a Resolved")
			require.Equal(t, issuesv1alpha1.ReasonWatching, watching(w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
				return s.Watched == 1 && s.Failing == 0
			})))
			require.Equal(t, 1, w.asked("list"))
		})
	}
}

// TestClusterScoped objects have no namespace to report to.
func TestClusterScoped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newClusterMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Resource.Kind, s.Resource.Resource = "Cluster", "clusters" }))
	w.run()
	w.status(cluster, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return watching(s) == issuesv1alpha1.ReasonClusterScoped
	})
}

// TestNamespaces are those that are selected, and never Kite's own.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newClusterMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.Resource.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"tenant": "yes"}}
		s.Issue.Title = `object.metadata.namespace`
	}))
	yes := map[string]string{"tenant": "yes"}
	for name, labels := range map[string]map[string]string{"team-a": yes, "team-b": nil, "team-c": yes, "kite-system": yes} {
		w.addNamespace(name, labels)
		w.put(gadget("a", "bad", -60, in(name)))
	}
	w.run()
	w.see("team-a Active", "team-c Active")
	w.addNamespace("team-b", yes)
	w.addNamespace("team-c", nil)
	w.see("team-a Active", "team-b Active", "team-c Resolved")
	for _, i := range w.all() {
		require.NotContains(t, i, "kite-system")
	}
}

// TestOwnNamespaceIsNotWatched by a monitor of all namespaces, either.
func TestOwnNamespaceIsNotWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newClusterMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Title = `object.metadata.namespace` }))
	w.put(gadget("a", "bad", -60, in("kite-system")))
	w.put(gadget("a", "bad", -60, in("team-a")))
	w.run()
	w.see("team-a Active")
	status := w.status(cluster, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 1 })
	require.EqualValues(t, 1, status.Watched)
}

// TestBrokenObject is told, and resolves nothing.
func TestBrokenObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	broken := gadget("a", "bad", -60, func(obj *unstructured.Unstructured) { unstructured.RemoveNestedField(obj.Object, "status") })
	w.put(gadget("a", "bad", -60))
	w.put(gadget("b", "bad", -60))
	w.run()
	w.see("a Active", "b Active")
	w.put(broken)
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return meta.IsStatusConditionFalse(s.Conditions, issuesv1alpha1.ConditionEvaluated)
	})
	require.Equal(t, "spec.ignore", status.LastError.Field)
	require.Equal(t, "no such key: status", status.LastError.Message)
	require.Equal(t, "a", status.LastError.Name)
	w.put(gadget("b", "good", -30))
	w.see("a Active", "b Resolved")
	w.run()
	w.settle(own)
	w.put(gadget("b", "bad", -20))
	w.see("a Active", "b Active")
	w.put(gadget("a", "good", -10))
	w.see("a Resolved", "b Active")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return s.LastError == nil && meta.IsStatusConditionTrue(s.Conditions, issuesv1alpha1.ConditionEvaluated)
	})
}

// TestManyBrokenObjects: the error that has lasted longest is told, until it is mended.
func TestManyBrokenObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	broken := func(name string) {
		w.put(gadget(name, "", 0, func(obj *unstructured.Unstructured) { unstructured.RemoveNestedField(obj.Object, "status") }))
	}
	told := func(name string) {
		w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError != nil && s.LastError.Name == name })
	}
	w.run()
	broken("b")
	told("b")
	w.clock.Step(time.Minute)
	broken("a")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return s.Watched == 2 && watching(s) == issuesv1alpha1.ReasonWatching
	})
	writes := w.writes()
	for range 20 {
		broken("a")
		w.clock.Step(statusPause)
		broken("b")
		w.clock.Step(statusPause)
	}
	w.put(gadget("c", "bad", 0))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 1 })
	require.Equal(t, writes+1, w.writes())
	told("b")
	w.put(gadget("b", "good", 0))
	told("a")
	w.remove(namespace, "a")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError == nil })
}

// TestRefusedReport is told to the monitor's author, and sent again.
func TestRefusedReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.refuse = func(issuesv1alpha1.IssueReportSpec) error { return apierrors.NewBadRequest("the title is empty") }
	w.put(gadget("a", "bad", -60))
	w.run()
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError != nil })
	require.Equal(t, "the title is empty", status.LastError.Message)
	require.Equal(t, "a", status.LastError.Name)
	require.Empty(t, status.LastError.Field)
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	w.seeLater("a Active")
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError == nil })
}

// TestServerAway loses nothing.
func TestServerAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("a Active")
	asked := make(chan struct{}, 100)
	w.mu.Lock()
	w.refuse = func(issuesv1alpha1.IssueReportSpec) error {
		asked <- struct{}{}
		return errors.New("away")
	}
	w.mu.Unlock()
	w.put(gadget("a", "good", -30))
	w.put(gadget("b", "bad", -30))
	<-asked
	<-asked
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	w.seeLater("a Resolved", "b Active")
}

// TestSharedSource: monitors of one resource share what is watched, which ends with the last.
func TestSharedSource(t *testing.T) {
	t.Parallel()
	other := newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Key = `"Other"` })
	other.Name, other.UID = "other", "uid-other"
	selecting := newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.Issue.Key = `"Selected"`
		s.Resource.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	})
	selecting.Name, selecting.UID = "selecting", "uid-selecting"
	w := newWorld(t, newMonitor(), other, selecting)
	w.put(gadget("a", "bad", -60))
	w.run()
	w.settle(own, types.NamespacedName{Namespace: namespace, Name: "other"}, types.NamespacedName{Namespace: namespace, Name: "selecting"})
	require.Equal(t, 2, w.asked("list"), "one of all, one of those selected")
	client := w.client.IssuesV1alpha1().IssueMonitors(namespace)
	for _, name := range []string{own.Name, "other", "selecting"} {
		require.NoError(t, client.Delete(t.Context(), name, metav1.DeleteOptions{}))
	}
	w.eventually(func() bool {
		w.controller.mu.Lock()
		defer w.controller.mu.Unlock()
		return len(w.controller.watchers) == 0
	}, "no monitor is left")
	w.end()
	require.Empty(t, w.controller.sources.running)
}

// TestSelectionsAreFew: who may write monitors of a namespace cannot have its objects kept any
// number of times. One that waits begins when another has ended.
func TestSelectionsAreFew(t *testing.T) {
	t.Parallel()
	var monitors []runtime.Object
	for i := range maxSelections + 1 {
		monitor := newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
			s.Resource.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": fmt.Sprint(i)}}
		})
		monitor.Name = fmt.Sprintf("monitor-%d", i)
		monitor.UID = types.UID(monitor.Name)
		monitors = append(monitors, monitor)
	}
	w := newWorld(t, monitors...)
	w.run()
	state := func(i int) string {
		monitor, err := w.client.IssuesV1alpha1().IssueMonitors(namespace).Get(t.Context(), fmt.Sprintf("monitor-%d", i), metav1.GetOptions{})
		require.NoError(t, err)
		c := meta.FindStatusCondition(monitor.Status.Conditions, issuesv1alpha1.ConditionWatching)
		if c == nil {
			return ""
		}
		return c.Reason + ": " + c.Message
	}
	waits, runs := -1, 0
	w.eventually(func() bool {
		waits, runs = -1, 0
		for i := range monitors {
			switch s := state(i); {
			case strings.Contains(s, "by 8 selectors"):
				waits = i
			case strings.HasPrefix(s, issuesv1alpha1.ReasonWatching):
				runs++
			}
		}
		return waits >= 0 && runs == maxSelections
	}, "one waits")
	require.Equal(t, maxSelections, w.asked("list"))

	require.NoError(t, w.client.IssuesV1alpha1().IssueMonitors(namespace).Delete(t.Context(), fmt.Sprintf("monitor-%d", (waits+1)%len(monitors)), metav1.DeleteOptions{}))
	w.eventually(func() bool {
		w.clock.Step(interval)
		return strings.HasPrefix(state(waits), issuesv1alpha1.ReasonWatching)
	}, "it begins")
}

// asked counts lists, one of each source that is settled, or watches, which begin later.
func (w *world) asked(verb string) int {
	n := 0
	for _, action := range w.objects.Actions() {
		if action.GetVerb() == verb {
			n++
		}
	}
	return n
}

// TestStatusIsWrittenOnce: what does not change is not written.
func TestStatusIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.put(gadget("a", "bad", -60))
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return s.Failing == 1 && watching(s) == issuesv1alpha1.ReasonWatching
	})
	writes := w.writes()
	for i := range 20 {
		w.put(gadget("a", "bad", -60, func(obj *unstructured.Unstructured) { obj.SetGeneration(int64(i)) }))
		w.clock.Step(statusPause)
	}
	w.put(gadget("b", "bad", -60))
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 2 })
	require.Equal(t, writes+1, w.writes())
}

// TestStatusOfASlowCache is written once, though the cache shows the old one for longer.
func TestStatusOfASlowCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor())
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return watching(s) == issuesv1alpha1.ReasonWatching })
	w.end()
	watcher, writes := w.controller.watcher(own), w.writes()
	watcher.watching.Reason = issuesv1alpha1.ReasonNotListed
	for range 2 {
		require.NoError(t, w.controller.writeStatus(t.Context(), watcher))
		w.clock.Step(time.Second)
	}
	require.Equal(t, writes+1, w.writes())
}

func (w *world) writes() int {
	n := 0
	for _, action := range w.client.Actions() {
		if action.GetVerb() == "update" && action.GetSubresource() == "status" {
			n++
		}
	}
	return n
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for _, key := range []types.NamespacedName{own, cluster, {Namespace: "a", Name: "b.c"}} {
		back, ok := monitorOf(sourceOf(key))
		require.True(t, ok)
		require.Equal(t, key, back)
	}
	for _, source := range []string{"", "IssueMonitor/a", "IssueMonitor//a", "IssueMonitor/a/", "ClusterIssueMonitor/", "IssueWebhook/a/b"} {
		_, ok := monitorOf(source)
		require.False(t, ok, source)
	}
}

// TestChangeIsApplied to what is open, however often the controller ends before it has told it,
// and once: what an issue tells does not follow what fails.
func TestChangeIsApplied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Title = `object.metadata.?labels.?n.orValue("0")` }))
	w.put(gadget("a", "bad", -60))
	w.run()
	w.see("0 Active")
	applied := func(generation int64) {
		w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
			c := meta.FindStatusCondition(s.Conditions, issuesv1alpha1.ConditionReported)
			return c != nil && c.ObservedGeneration == generation && c.Status == metav1.ConditionTrue
		})
	}
	applied(1)
	w.mu.Lock()
	w.refuse = func(issuesv1alpha1.IssueReportSpec) error { return errors.New("away") }
	w.mu.Unlock()
	w.change(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Title += ` + "!"` })
	for range 2 {
		status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.ObservedGeneration == 2 && s.Failing == 1 })
		c := meta.FindStatusCondition(status.Conditions, issuesv1alpha1.ConditionReported)
		require.Equal(t, issuesv1alpha1.ReasonChanged, c.Reason)
		require.EqualValues(t, 1, c.ObservedGeneration)
		w.run()
	}
	w.answer()
	w.seeLater("0! Active")
	applied(2)
	w.end()
	w.put(gadget("a", "bad", -60, func(obj *unstructured.Unstructured) { obj.SetLabels(map[string]string{"n": "1"}) }))
	w.run()
	w.settle(own)
	w.put(gadget("b", "bad", 0)) // when this is reported, a has had its turn
	w.see("0! Active", "0! Active")
}

// TestConditions: an expression that fails when an issue is described is told as one that fails
// when an object is judged, and so is a report that is refused.
func TestConditions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		edit    func(*issuesv1alpha1.IssueMonitorSpec)
		refuse  error
		kind    string
		reason  string
		message string
	}{
		"Judged": {
			edit: func(s *issuesv1alpha1.IssueMonitorSpec) { s.Failing = `object.none == "bad"` },
			kind: issuesv1alpha1.ConditionEvaluated, reason: issuesv1alpha1.ReasonExpressionFailed,
			message: "team-gamma/a: spec.failing: no such key: none",
		},
		"Described": {
			edit: func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Title = `object.none` },
			kind: issuesv1alpha1.ConditionEvaluated, reason: issuesv1alpha1.ReasonExpressionFailed,
			message: "team-gamma/a: spec.issue.title: no such key: none",
		},
		"Refused": {
			edit:   func(*issuesv1alpha1.IssueMonitorSpec) {},
			refuse: apierrors.NewBadRequest("the title is empty"),
			kind:   issuesv1alpha1.ConditionReported, reason: issuesv1alpha1.ReasonRefused,
			message: "team-gamma/a: the title is empty",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(tc.edit))
			w.refuse = func(issuesv1alpha1.IssueReportSpec) error { return tc.refuse }
			w.put(gadget("a", "bad", -60))
			w.run()
			status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
				return s.LastError != nil && watching(s) == issuesv1alpha1.ReasonWatching
			})
			for _, c := range status.Conditions {
				if c.Type == tc.kind {
					require.Equal(t, []string{"False", tc.reason, tc.message}, []string{string(c.Status), c.Reason, c.Message})
				} else {
					require.Equal(t, metav1.ConditionTrue, c.Status, c.Type)
				}
			}
			w.put(gadget("a", "ignored", 0))
			w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
				return s.LastError == nil && meta.IsStatusConditionTrue(s.Conditions, tc.kind)
			})
		})
	}
}

// TestItemsAreNamed by their place in forEach, where an expression fails for one of them.
func TestItemsAreNamed(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*issuesv1alpha1.IssueMonitorSpec){
		"spec.failing":     func(s *issuesv1alpha1.IssueMonitorSpec) { s.Failing = `item.broken` },
		"spec.issue.title": func(s *issuesv1alpha1.IssueMonitorSpec) { s.Failing, s.Issue.Title = `true`, `string(item.broken)` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(edit, func(s *issuesv1alpha1.IssueMonitorSpec) {
				s.ForEach, s.Recovered, s.Ignore, s.ObservedAt = `object.status.items`, "", "", ""
				s.Issue.Key = `item.name`
			}))
			w.put(gadget("a", "", 0, func(obj *unstructured.Unstructured) {
				items := []any{map[string]any{"name": "x", "broken": true}, map[string]any{"name": "y"}}
				require.NoError(t, unstructured.SetNestedSlice(obj.Object, items, "status", "items"))
			}))
			w.run()
			status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.LastError != nil })
			require.Equal(t, name, status.LastError.Field)
			require.Equal(t, "forEach[1]: no such key: broken", status.LastError.Message)
		})
	}
}
