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

// errOvertaken is of a report of now that is older than another's, whose clock is ahead.
var errOvertaken = errors.New("what another has reported is newer than now")

// reconcileState: the problem is there while any object fails.
func (w *watcher) reconcileState(ctx context.Context, s *situation) error {
	if len(s.failing) > 0 {
		return w.fail(ctx, s)
	}
	if s.held {
		w.told(s, func(p *problem) { p.fault = nil }) // there is nothing to tell
		return nil
	}
	now := w.c.clock.Now()
	if w.opened(s) {
		if err := w.tellRecovery(ctx, s, w.recoveredAt(s, now), reasonOf(s)); err != nil {
			return err
		}
	}
	w.told(s, func(p *problem) {
		p.reported, p.recovered, p.fault = false, now, nil
		if len(p.members) == 0 {
			delete(w.problems, s.identity)
		}
	})
	return nil
}

// fail reports a failure that was not reported yet. What an issue tells is not followed
// while the failure lasts: each report counts.
func (w *watcher) fail(ctx context.Context, s *situation) error {
	again, err := w.lost(ctx, s)
	if err != nil || s.reported && !again {
		return err
	}
	first := slices.MinFunc(s.failing, oldest)
	done := func(p *problem) { p.reported, p.about = true, first.about }
	if w.ours(s) && !w.renew && (first.about == "" || first.about == s.active.Spec.Scope.UID) {
		w.told(s, done)
		return nil
	}
	spec, err := w.describe(ctx, s, first)
	if spec == nil || err != nil {
		return err
	}
	if w.ours(s) && s.active.Annotations[annotationReported] == contentOf(spec.Issue) {
		w.told(s, done)
		return nil
	}
	at := first.since()
	if again || w.ours(s) || !at.After(s.recovered) {
		at = w.c.clock.Now() // other content, or a clock of whole seconds
	}
	if err := w.open(ctx, s, first, spec, at); err != nil {
		return err
	}
	w.told(s, done)
	return nil
}

// open reports a failure since it began, and as one of this moment if that is known, or was
// overtaken, and the issue was resolved since for what does not count.
func (w *watcher) open(ctx context.Context, s *situation, f failure, spec *issuesv1alpha1.IssueReportSpec, at time.Time) error {
	spec.ObservedAt = micro(at)
	answer, err := w.report(ctx, s, f, *spec)
	if err != nil || counted(answer) {
		return err
	}
	again, err := w.overrules(ctx, s, answer.Issues[0].Name)
	if err != nil || !again {
		return err
	}
	spec.ObservedAt = micro(w.c.clock.Now())
	answer, err = w.report(ctx, s, f, *spec)
	if err == nil && !counted(answer) {
		return errOvertaken
	}
	return err
}

// counted says that a failure was neither known nor overtaken: its issue is Active.
func counted(answer issuesv1alpha1.IssueReportStatus) bool {
	return len(answer.Issues) == 0 || answer.Result != issuesv1alpha1.ResultUnchanged && answer.Result != issuesv1alpha1.ResultStale
}

// lost says that the issue of what still fails here was resolved for what does not count.
func (w *watcher) lost(ctx context.Context, s *situation) (bool, error) {
	if !s.reported || s.lost == "" {
		return false, nil
	}
	again, err := w.overrules(ctx, s, s.lost)
	if err == nil {
		w.told(s, func(p *problem) { p.issue, p.reported = "", p.reported && !again })
	}
	return again, err
}

// overrules says whether an issue was resolved for what does not count as long as something
// fails: another reporter told a recovery, or a monitor went. A person's word, and that of
// the clock, stands. That its scope is gone stands for what fails since then.
func (w *watcher) overrules(ctx context.Context, s *situation, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	issue, err := w.c.clients.Issues.IssuesV1alpha1().Issues(s.namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask why an issue was resolved: %w", err)
	}
	if issue.Status.State != issuesv1alpha1.StateResolved || len(issue.Status.Transitions) == 0 {
		return false, nil
	}
	switch issue.Status.Transitions[0].Reason {
	case issuesv1alpha1.ReasonSucceeded, issuesv1alpha1.ReasonMonitorDeleted, issuesv1alpha1.ReasonMonitorChanged:
		return true, nil
	case issuesv1alpha1.ReasonScopeDeleted:
		return !s.reported, nil
	default:
		return false, nil
	}
}

// recoveredAt is when the last object recovered, if it says so and that is possible.
func (w *watcher) recoveredAt(s *situation, now time.Time) time.Time {
	var at time.Time
	for _, f := range s.successes {
		if f.at.After(at) {
			at = f.at
		}
	}
	if s.active == nil || !at.After(lastActive(s)) {
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
