// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// reconcileRuns: the run that ended last decides. Failures after the last success are
// reported, each once.
func (w *watcher) reconcileRuns(ctx context.Context, s *situation) error {
	if s.absent && !w.watches(s.namespace) && w.ours(s) {
		return w.tellRecovery(ctx, s, w.c.clock.Now(), issuesv1alpha1.ReasonMonitorChanged)
	}
	last := failure{finding: finding{at: s.recovered}}
	for _, success := range s.successes {
		if success.at.After(last.at) {
			last = success
		}
	}
	slices.SortFunc(s.failing, oldest)
	failed := false
	for _, f := range s.failing {
		if !f.at.After(last.at) {
			continue
		}
		failed = true
		if err := w.failRun(ctx, s, f); err != nil {
			return err
		}
	}
	if failed || last.object.Name == "" {
		return nil
	}
	return w.recoverRun(ctx, s, last)
}

func (w *watcher) failRun(ctx context.Context, s *situation, f failure) error {
	obj := w.object(f.object)
	if obj == nil || w.wasSent(s, obj.GetUID()) {
		return nil
	}
	known := f.first && w.ours(s) && !w.renew && s.active.Status.LastSeen != nil && !f.at.After(s.active.Status.LastSeen.Time)
	if !known {
		spec, err := w.describe(ctx, f, s.identity)
		if spec == nil || err != nil {
			return err
		}
		spec.ObservedAt, spec.Run = micro(f.at), w.runOf(f, obj.GetUID())
		if _, err := w.report(ctx, s, f, *spec); err != nil {
			return err
		}
	}
	w.told(s, func(p *problem) { p.reported, p.sent[obj.GetUID()] = true, true })
	return nil
}

func (w *watcher) wasSent(s *situation, uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.problems[s.identity]
	return p != nil && p.sent[uid]
}

// recoverRun tells a success that is newer than what is Active.
func (w *watcher) recoverRun(ctx context.Context, s *situation, last failure) error {
	if w.opened(s) && !lastSeen(s).After(last.at) {
		spec := issuesv1alpha1.IssueReportSpec{ObservedAt: micro(last.at), Issue: s.fields, Source: sourceOf(w.key)}
		if obj := w.object(last.object); obj != nil {
			spec.Run = w.runOf(last, obj.GetUID())
		}
		if err := w.c.succeeded(ctx, s.namespace, s.active, spec); err != nil {
			return w.refused(s, last.object, err)
		}
		w.mend(last.object, s.identity)
	}
	w.told(s, func(p *problem) {
		p.reported, p.recovered = false, last.at
		clear(p.sent)
	})
	return nil
}

func lastSeen(s *situation) time.Time {
	if s.active == nil || s.active.Status.LastSeen == nil {
		return time.Time{}
	}
	return s.active.Status.LastSeen.Time
}

func (w *watcher) runOf(f failure, uid types.UID) *issuesv1alpha1.IssueRun {
	return &issuesv1alpha1.IssueRun{Kind: w.spec.Resource.Kind, Namespace: f.object.Namespace, Name: f.object.Name, UID: uid}
}
