// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// addSet adds a set of gadgets that a gadget named root controls.
func (w *world) addSet(name string) {
	w.t.Helper()
	yes := true
	require.NoError(w.t, w.metadata.Tracker().Create(gadgetSets, &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "example.com/v1", Kind: "GadgetSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "uid-set", OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "example.com/v1", Kind: "Gadget", Name: "root", UID: "uid-root", Controller: &yes},
		}},
	}, namespace))
}

// TestOwners: the problem of an owner is there while any of its objects fails.
func TestOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(ofOwner))
	w.addSet("set")
	for _, name := range []string{"a", "b"} {
		w.put(gadget(name, "bad", -60, controlled("GadgetSet", "set")))
	}
	w.put(gadget("of-cluster", "bad", -60, controlled("Cluster", "east")))
	w.put(gadget("of-nothing", "bad", -60))
	w.run()
	w.see("of-cluster Active", "of-nothing Active", "root Active")
	w.put(gadget("a", "good", -30, controlled("GadgetSet", "set")))
	w.put(gadget("of-nothing", "good", -30))
	w.see("of-cluster Active", "of-nothing Resolved", "root Active")
	w.remove(namespace, "b")
	w.see("of-cluster Active", "of-nothing Resolved", "root Resolved")
}

// TestFalseOwner: who writes an object may name any owner, of any UID. That says nothing
// about those of others.
func TestFalseOwner(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*unstructured.Unstructured){
		"Namespace": in("team-evil"),
		"Name": func(obj *unstructured.Unstructured) {
			owners := obj.GetOwnerReferences()
			owners[0].Name = "none"
			obj.SetOwnerReferences(owners)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newClusterMonitor(ofOwner))
			w.addSet("set")
			w.run()
			w.put(gadget("liar", "bad", -60, controlled("GadgetSet", "set"), edit))
			w.eventually(func() bool { return len(w.all()) == 1 }, "its own issue")
			w.put(gadget("a", "bad", -60, controlled("GadgetSet", "set")))
			w.eventually(func() bool { return slices.Contains(w.all(), "root Active") }, "the issue of the true owner")
		})
	}
}

// TestForbiddenOwner is the end of the chain: nobody may say who is above it.
func TestForbiddenOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(ofOwner))
	var asked atomic.Int32
	w.metadata.PrependReactor("get", gadgetSets.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		asked.Add(1)
		return true, nil, apierrors.NewForbidden(gadgetSets.GroupResource(), "set", nil)
	})
	set := controlled("GadgetSet", "set")
	w.put(gadget("a", "bad", -60, set))
	w.put(gadget("b", "bad", -60))
	w.run()
	w.see("b Active", "set Active")
	w.put(gadget("a", "good", -30, set))
	w.remove(namespace, "b")
	w.see("b Resolved", "set Resolved")
	status := w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Watched == 1 })
	require.Nil(t, status.LastError)
	require.EqualValues(t, 1, asked.Load(), "the answer is remembered")
}

// TestForbiddenForAMoment: what was read before stands, and what was not is asked for soon.
func TestForbiddenForAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.end()
	w.addSet("set")
	owners, object := w.controller.owners, gadget("a", "bad", 0, controlled("GadgetSet", "set"))
	var forbidden atomic.Bool
	w.metadata.PrependReactor("get", gadgetSets.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return forbidden.Load(), nil, apierrors.NewForbidden(gadgetSets.GroupResource(), "set", nil)
	})
	ends := func(want string) {
		t.Helper()
		owner, err := owners.of(t.Context(), object)
		require.NoError(t, err)
		require.Equal(t, want, owner.Name)
	}
	forbidden.Store(true)
	ends("set")
	forbidden.Store(false)
	ends("set")
	w.clock.Step(renewal)
	ends("root")
	forbidden.Store(true)
	w.clock.Step(forgotten)
	ends("root")
	w.clock.Step(renewal)
	ends("root")
}

// TestOwnerFoundLater than the failure, but before it has lasted for long enough.
func TestOwnerFoundLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newMonitor(ofOwner, func(s *issuesv1alpha1.IssueMonitorSpec) { s.For = &metav1.Duration{Duration: 5 * time.Hour} }))
	w.addSet("set")
	var found atomic.Bool
	w.metadata.PrependReactor("get", gadgetSets.Resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return !found.Load(), nil, apierrors.NewForbidden(gadgetSets.GroupResource(), "set", nil)
	})
	w.put(gadget("a", "bad", 0, controlled("GadgetSet", "set")))
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Pending == 1 })
	found.Store(true)
	w.clock.SetTime(at(5*3600 + 1))
	w.see("root Active")
}

// askedMapper counts the questions for kinds.
type askedMapper struct {
	meta.RESTMapper

	asked atomic.Int32
}

func (c *askedMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	c.asked.Add(1)
	return c.RESTMapper.RESTMapping(kind, versions...)
}

// TestUnservedOwner: that the cluster does not serve a kind is asked now and then, not for each
// object that names it.
func TestUnservedOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.end()
	owners := w.controller.owners
	mapper := &askedMapper{RESTMapper: owners.mapper}
	owners.mapper = mapper
	for asked := range int32(2) {
		for range 3 {
			owner, err := owners.of(t.Context(), gadget("a", "bad", 0, controlled("Unserved", "x")))
			require.NoError(t, err)
			require.Equal(t, "a", owner.Name)
		}
		require.Equal(t, asked+1, mapper.asked.Load())
		w.clock.Step(renewal)
	}
}
