// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestSlowExpressions of one namespace keep none of another waiting, however many they are.
func TestSlowExpressions(t *testing.T) {
	t.Parallel()
	other := newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Key = `"own"` })
	other.Namespace = "team-0"
	w := newWorld(t, newMonitor(), other, newClusterMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Key = `"all"` }))
	w.run()
	w.settle(own, cluster)
	begun, end := make(chan struct{}, evaluators), make(chan struct{})
	for range evaluators {
		go func() {
			_ = w.controller.turns.Do(t.Context(), namespace, func() {
				begun <- struct{}{}
				<-end
			})
		}()
	}
	<-begun
	w.put(gadget("a", "bad", -60, in("team-0")))
	w.see("a Active", "a Active")
	close(end)
}

// TestSlowOwners: who waits for an owner keeps no other monitor waiting, not even of the same
// namespace.
func TestSlowOwners(t *testing.T) {
	t.Parallel()
	slow := newMonitor(ofOwner)
	slow.Name = "of-owners"
	w := newWorld(t, newMonitor(func(s *issuesv1alpha1.IssueMonitorSpec) { s.Issue.Key = `"plain"` }), slow)
	asked, hold := w.holdOwner()
	w.run()
	answer := sync.OnceFunc(hold)
	t.Cleanup(answer)
	for i := range evaluators {
		w.put(gadget(fmt.Sprint("owned-", i), "bad", -60, controlled("GadgetSet", "set")))
	}
	<-asked
	w.put(gadget("b", "bad", -60))
	w.see("b Active", "owned-0 Active", "owned-1 Active", "owned-2 Active", "owned-3 Active")
	answer()
	w.see("b Active", "b Active", "owned-0 Active", "owned-1 Active", "owned-2 Active", "owned-3 Active", "set Active")
}

// TestAdopted: who owned an object is not believed of one that has another controller since.
func TestAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(ofOwner))
	w.run()
	w.settle(own)
	watcher := w.controller.watcher(own)
	owned := watcher.ownershipOf(t.Context(), gadget("a", "bad", -60, controlled("GadgetSet", "set")))
	in, err := watcher.input(gadget("a", "good", 0, controlled("GadgetSet", "set")), &owned)
	require.NoError(t, err)
	require.Equal(t, "set", in.Owner.Name)
	for _, obj := range []*unstructured.Unstructured{
		gadget("a", "bad", -60), gadget("a", "bad", -60, controlled("GadgetSet", "other")),
		gadget("a", "bad", -60, controlled("GadgetSet", "set"), func(obj *unstructured.Unstructured) { obj.SetUID("anew") }),
	} {
		_, err = watcher.input(obj, &owned)
		require.ErrorIs(t, err, errAdopted)
	}
	_, err = watcher.input(gadget("a", "bad", -60), &ownership{})
	require.ErrorIs(t, err, errAdopted, "it was not there")
}
