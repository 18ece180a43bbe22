// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"k8s.io/apimachinery/pkg/api/meta"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// applied is the generation of the spec by which every Active issue was told: of a monitor
// that was never seen there are none. What else has changed is told anew, also by the next
// leader.
func applied(p parts) int64 {
	if p.status.ObservedGeneration == 0 {
		return p.meta.Generation
	}
	if c := meta.FindStatusCondition(p.status.Conditions, issuesv1alpha1.ConditionReported); c != nil {
		return c.ObservedGeneration
	}
	return 0
}

// noteApplied notes when every Active issue of the monitor tells what its spec asks for.
func (w *watcher) noteApplied() {
	if w.applied == w.generation || !w.complete {
		return
	}
	found, err := w.c.issues.GetIndexer().ByIndex(bySource, sourceOf(w.key))
	if err != nil {
		return
	}
	for _, obj := range found {
		issue, ok := obj.(*issuesv1alpha1.Issue)
		if ok && w.owes(w.problems[identityOf(issue.Namespace, identityFields(&issue.Spec))]) {
			return
		}
	}
	w.applied = w.generation
}

// owes says whether something is still to be told of a problem that is Active. What is not
// decided may fail still.
func (w *watcher) owes(p *problem) bool {
	if !w.isRun() {
		return p == nil || !p.reported
	}
	if p != nil {
		for _, f := range p.members {
			if f.verdict == issuemonitor.Failing && !f.told && f.at.After(p.recovered) {
				return true
			}
		}
	}
	return false
}
