// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestScopeByName: the UID by which a deletion is told is found, for who may read all.
func TestScopeByName(t *testing.T) {
	t.Parallel()
	scope := func(kind, uid string) func(*issuesv1alpha1.IssueMonitorSpec) {
		return func(s *issuesv1alpha1.IssueMonitorSpec) {
			s.Issue.Scope = &issuesv1alpha1.ScopeTemplate{APIGroup: `"example.com"`, Kind: kind, Name: `"set"`, UID: uid}
		}
	}
	cases := map[string]struct {
		reason  string
		monitor runtime.Object
		uid     string
		asked   bool
	}{
		"Named":   {monitor: newClusterMonitor(scope(`"GadgetSet"`, "")), uid: "uid-set", asked: true},
		"Given":   {monitor: newClusterMonitor(scope(`"GadgetSet"`, `"mine"`)), uid: "mine"},
		"Missing": {monitor: newClusterMonitor(scope(`"Gadget"`, "")), asked: true, reason: "it is reported all the same"},
		"Unknown": {monitor: newClusterMonitor(scope(`"Gizmo"`, "")), reason: "it is reported all the same"},
		"Cluster": {monitor: newClusterMonitor(scope(`"Cluster"`, "")), reason: "it is of no namespace"},
		"Tenant":  {monitor: newMonitor(scope(`"GadgetSet"`, "")), reason: "its author may not read what kite-controllers may"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.monitor)
			w.addSet("set")
			w.put(gadget("a", "bad", -60))
			w.run()
			w.see("a Active")
			require.Equal(t, tc.uid, string(w.one().Spec.Scope.UID), tc.reason)
			asked := false
			for _, action := range w.metadata.Actions() {
				asked = asked || action.GetVerb() == "get"
			}
			require.Equal(t, tc.asked, asked)
		})
	}
}
