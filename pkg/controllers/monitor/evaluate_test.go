// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// ofOwner gives the issue of an object to its owner.
func ofOwner(s *issuesv1alpha1.IssueMonitorSpec) {
	s.Issue.Scope = &issuesv1alpha1.ScopeTemplate{APIGroup: `owner.apiGroup`, Kind: `owner.kind`, Name: `owner.name`, UID: `owner.uid`}
	s.Issue.Title = `owner.name`
}

// controlled by an object of the group of gadgets.
func controlled(kind, name string) func(*unstructured.Unstructured) {
	return func(obj *unstructured.Unstructured) {
		yes := true
		obj.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "example.com/v1", Kind: kind, Name: name, UID: types.UID("uid-" + name), Controller: &yes,
		}})
	}
}

// TestLateEvaluation: one that takes its time does not undo what is newer.
func TestLateEvaluation(t *testing.T) {
	t.Parallel()
	tenant := map[string]string{"tenant": "yes"}
	set := controlled("GadgetSet", "set")
	cases := map[string]struct {
		meanwhile func(*world)
		watched   int32
	}{
		"Recovered":  {meanwhile: func(w *world) { w.put(gadget("a", "good", -30, set)) }, watched: 1},
		"Deleted":    {meanwhile: func(w *world) { w.remove(namespace, "a") }},
		"Unselected": {meanwhile: func(w *world) { w.addNamespace(namespace, nil) }},
		"Left": {meanwhile: func(w *world) {
			w.forbid(gadgets.Resource)
			w.clock.Step(renewal)
			w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool {
				return watching(s) == issuesv1alpha1.ReasonRightMissing
			})
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor(ofOwner, func(s *issuesv1alpha1.IssueMonitorSpec) {
				s.Resource.NamespaceSelector = &metav1.LabelSelector{MatchLabels: tenant}
			}))
			w.addNamespace(namespace, tenant)
			w.put(gadget("a", "bad", -60, set))
			w.run()
			w.see("set Active")
			asked, answer := w.holdOwner()
			w.controller.owners.known.Clear()
			watcher, ends := w.controller.watcher(own), make(chan error, 2)
			evaluate := func() { ends <- watcher.evaluate(t.Context(), types.NamespacedName{Namespace: namespace, Name: "a"}) }
			go evaluate()
			<-asked
			tc.meanwhile(w)
			go evaluate()
			select { // the second waits for the first
			case err := <-ends:
				ends <- err
			case <-time.After(10 * pause):
			}
			answer()
			require.NoError(t, <-ends)
			require.NoError(t, <-ends)
			w.eventually(func() bool {
				status := watcher.status(&issuesv1alpha1.IssueMonitorStatus{})
				return status.Failing == 0 && status.Watched == tc.watched
			}, "what is newer is known")
		})
	}
}

// TestChangedMeanwhile: what does not fail any longer is not described, which may be impossible.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) {
		s.Issue.Title = `["bad"].filter(state, state == object.status.state)[0]`
	}))
	w.put(gadget("a", "good", -60))
	w.run()
	w.settle(own)
	watcher, key := w.controller.watcher(own), types.NamespacedName{Namespace: namespace, Name: "a"}
	identity := watcher.objects[key].findings[0].identity
	spec, err := watcher.describe(t.Context(), &situation{identity: identity}, failure{member{object: key}, "uid-a", finding{}})
	require.NoError(t, err)
	require.Nil(t, spec)
	require.Nil(t, watcher.status(&issuesv1alpha1.IssueMonitorStatus{}).LastError)
}

// holdOwner keeps the next question for an owner waiting for its answer.
func (w *world) holdOwner() (asked chan struct{}, answer func()) {
	asked, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.metadata.PrependReactor("get", gadgetSets.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		once.Do(func() {
			close(asked)
			<-held
		})
		return false, nil, nil
	})
	return asked, func() { close(held) }
}
