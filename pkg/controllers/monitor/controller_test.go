// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

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
	w.mu.Lock()
	w.allowed.Delete(gadgets.Resource)
	w.mu.Unlock()
	w.clock.Step(renewal)
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
		return watching(s) == issuesv1alpha1.ReasonRightMissing
	})
	require.Zero(t, status.Watched)
	w.see("a Active")
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
	require.Equal(t, 2, w.watches(), "one of all, one of those selected")
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

func (w *world) watches() int {
	n := 0
	for _, action := range w.objects.Actions() {
		if action.GetVerb() == "watch" {
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
