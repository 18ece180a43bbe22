// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"slices"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/history"
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
	if failed {
		return nil
	}
	if last.object.Name == "" {
		w.told(s, func(p *problem) { p.fault = nil }) // there is nothing to tell
		return nil
	}
	return w.recoverRun(ctx, s, last)
}

func (w *watcher) failRun(ctx context.Context, s *situation, f failure) error {
	if f.told {
		return nil
	}
	past := w.past(s, f)
	if !past {
		spec, err := w.describe(ctx, s, f)
		if spec == nil || err != nil {
			return err
		}
		spec.ObservedAt, spec.Run = micro(f.at), w.runOf(f)
		if _, err := w.report(ctx, s, f, *spec); err != nil {
			return err
		}
	}
	w.told(s, func(p *problem) {
		p.reported = p.reported || !past
		if now := p.members[f.member]; now != nil && now.at.Equal(f.at) {
			now.told = true
		}
	})
	return nil
}

// past says that a failure was told before, or may have been.
func (w *watcher) past(s *situation, f failure) bool {
	if w.ours(s) {
		return f.first && !w.renew && !f.at.After(lastSeen(s))
	}
	return history.Past(w.c.clock.Now(), f.at, w.spec.Issue.ExpiresAfter)
}

// recoverRun tells a success that is newer than what is Active.
func (w *watcher) recoverRun(ctx context.Context, s *situation, last failure) error {
	if w.opened(s) && !lastActive(s).After(last.at) {
		err := w.c.succeeded(ctx, s.namespace, s.active, issuesv1alpha1.IssueReportSpec{
			ObservedAt: micro(last.at), Issue: s.fields, Source: sourceOf(w.key), Run: w.runOf(last),
		})
		w.note(s, last.object, err)
		if err != nil {
			return err
		}
	}
	w.told(s, func(p *problem) {
		p.reported, p.recovered, p.fault = false, last.at, nil
	})
	return nil
}

// runOf names a run. The server counts a UID once, but a member of forEach can end again.
func (w *watcher) runOf(f failure) *issuesv1alpha1.IssueRun {
	out := &issuesv1alpha1.IssueRun{Kind: w.spec.Resource.Kind, Namespace: f.object.Namespace, Name: f.object.Name}
	if w.spec.ForEach == "" {
		out.UID = f.uid
	}
	return out
}
