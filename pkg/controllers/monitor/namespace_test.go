// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func uid(uid types.UID) func(*unstructured.Unstructured) {
	return func(obj *unstructured.Unstructured) { obj.SetUID(uid) }
}

// TestNamespaceMadeAgain has issues of its own: those of the last one went with it.
func TestNamespaceMadeAgain(t *testing.T) {
	t.Parallel()
	again := gadget("a", "bad", -60, uid("uid-again"))
	cases := map[string]struct {
		reason string
		made   func(*world)
	}{
		"Seen": {
			reason: "nothing is kept of a namespace that is gone",
			made: func(w *world) {
				w.remove(namespace, "a")
				w.removeNamespace(namespace)
				w.eventually(func() bool { return w.controller.watcher(own).known() == 0 }, "what was known is forgotten")
				w.addNamespace(namespace, nil)
				w.answer()
				w.put(again)
			},
		},
		"AtOnce": {
			reason: "a watch that was interrupted tells the new ones only",
			made: func(w *world) {
				w.addNamespace(namespace, nil, "uid-again")
				w.put(again)
				w.eventually(func() bool { return w.controller.watcher(own).uidOf("a") == "uid-again" }, "the object is known")
				w.answer()
			},
		},
		"ObjectFirst": {
			reason: "namespaces and objects are watched apart",
			made: func(w *world) {
				w.answer()
				w.put(again)
				w.eventually(func() bool { return w.controller.watcher(own).uidOf("a") == "uid-again" }, "the object is known")
				w.removeNamespace(namespace)
				w.addNamespace(namespace, nil)
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newMonitor())
			w.addNamespace(namespace, nil)
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			identity := identityOf(namespace, issuesv1alpha1.ReportedIssue{Type: issuesv1alpha1.TypeRuntime, Scope: w.scope()})
			w.eventually(func() bool { return w.controller.active(identity) != nil }, "the cache has the issue")
			w.lose()
			w.eventually(func() bool { return w.controller.active(identity) == nil }, "the issue is gone")
			tc.made(w)
			w.seeLater("a Active")
			require.EqualValues(t, 1, w.one().Status.Occurrences, tc.reason)
		})
	}
}

// lose deletes all issues, and their namespace.
func (w *world) lose() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, issue := range w.issues {
		gvr := issuesv1alpha1.SchemeGroupVersion.WithResource("issues")
		require.NoError(w.t, w.client.Tracker().Delete(gvr, issue.Namespace, issue.Name))
		delete(w.issues, key)
	}
	w.refuse = func(issuesv1alpha1.IssueReportSpec) error {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, namespace)
	}
}

// answer takes reports again.
func (w *world) answer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = nil
}

func (w *world) removeNamespace(name string) {
	w.t.Helper()
	require.NoError(w.t, w.metadata.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", name))
}

// known is how many problems a watcher knows.
func (w *watcher) known() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.problems)
}

func (w *watcher) uidOf(name string) types.UID {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.objects[types.NamespacedName{Namespace: namespace, Name: name}]; o != nil {
		return o.uid
	}
	return ""
}
