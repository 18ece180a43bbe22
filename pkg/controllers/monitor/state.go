// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// errOvertaken is of a failure that began before the newest recovery, which is later than
// now by another's clock.
var errOvertaken = errors.New("a recovery was reported that is newer than now")

// reconcileState: the problem is there while any object fails.
func (w *watcher) reconcileState(ctx context.Context, s *situation) error {
	if len(s.failing) > 0 {
		return w.fail(ctx, s)
	}
	if s.held {
		return nil
	}
	now := w.c.clock.Now()
	if w.opened(s) {
		if err := w.tellRecovery(ctx, s, w.recoveredAt(s, now), reasonOf(s)); err != nil {
			return err
		}
	}
	w.told(s, func(p *problem) {
		p.reported, p.recovered = false, now
		if len(p.members) == 0 {
			delete(w.problems, s.identity)
		}
	})
	return nil
}

// fail reports a failure that was not reported yet. What an issue tells is not followed
// while the failure lasts: each report counts.
func (w *watcher) fail(ctx context.Context, s *situation) error {
	overruled, err := w.overruled(ctx, s)
	if err != nil || s.reported && !overruled && (s.renewed || !w.renew) {
		return err
	}
	first := slices.MinFunc(s.failing, oldest)
	spec, err := w.describe(ctx, first, s.identity)
	if spec == nil || err != nil {
		return err
	}
	if w.ours(s) && (!w.renew || s.active.Annotations[annotationReported] == contentOf(spec.Issue)) {
		w.told(s, func(p *problem) { p.reported, p.renewed = true, true })
		return nil
	}
	at := first.since()
	if overruled || w.ours(s) || !at.After(s.recovered) {
		at = w.c.clock.Now() // other content, or a clock of whole seconds
	}
	spec.ObservedAt = micro(at)
	answer, err := w.report(ctx, s, first, *spec)
	if err == nil && answer.Result == issuesv1alpha1.ResultStale {
		spec.ObservedAt = micro(w.c.clock.Now()) // it fails, whatever was reported meanwhile
		answer, err = w.report(ctx, s, first, *spec)
	}
	if err == nil && answer.Result == issuesv1alpha1.ResultStale {
		err = errOvertaken
	}
	if err != nil {
		return err
	}
	w.told(s, func(p *problem) { p.reported, p.renewed = true, true })
	return nil
}

// overruled says that another reporter told the recovery of what still fails here. A
// person's word, and that of the clock, stands.
func (w *watcher) overruled(ctx context.Context, s *situation) (bool, error) {
	if !s.reported || s.lost == "" {
		return false, nil
	}
	issue, err := w.c.clients.Issues.IssuesV1alpha1().Issues(s.namespace).Get(ctx, s.lost, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("ask why an issue was resolved: %w", err)
	}
	overruled := err == nil && issue.Status.State == issuesv1alpha1.StateResolved &&
		len(issue.Status.Transitions) > 0 && issue.Status.Transitions[0].Reason == issuesv1alpha1.ReasonSucceeded
	w.told(s, func(p *problem) { p.issue, p.reported = "", p.reported && !overruled })
	return overruled, nil
}

// recoveredAt is when the last object recovered, if it says so and that is possible.
func (w *watcher) recoveredAt(s *situation, now time.Time) time.Time {
	var at time.Time
	for _, f := range s.successes {
		if f.at.After(at) {
			at = f.at
		}
	}
	if at.IsZero() || s.active == nil || s.active.Status.LastSeen == nil || !at.After(s.active.Status.LastSeen.Time) {
		return now
	}
	return at
}

// reasonOf is why a problem is gone, where it did not just recover.
func reasonOf(s *situation) string {
	if s.scopeDeleted {
		return issuesv1alpha1.ReasonScopeDeleted
	}
	return ""
}
