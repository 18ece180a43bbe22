// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// situation is what a worker reads of a problem at once.
type situation struct {
	identity  string
	namespace string
	fields    issuesv1alpha1.ReportedIssue
	failing   []failure
	successes []failure
	// wait is how long until the next failure has lasted for long enough. Zero if none waits.
	wait time.Duration
	// held says that nothing may be concluded from there being no failure.
	held bool
	// absent says that there is no object of this identity.
	absent bool
	// lost is the name of the issue that was Active, and is no longer.
	lost                   string
	reported, scopeDeleted bool
	recovered              time.Time
	active                 *issuesv1alpha1.Issue
}

// failure is a member that counts, or a success of one.
type failure struct {
	member
	uid types.UID
	finding
}

// reconcile compares what fails with the Active issue of one identity. What waited may fail,
// and what was refused may be taken: the status tells.
func (w *watcher) reconcile(ctx context.Context, t task) error {
	defer w.c.statusSoon(w.key)
	s := w.situation(t)
	if s == nil {
		return nil
	}
	if s.wait > 0 {
		w.c.queue.AddAfter(t, s.wait)
	}
	if w.isRun() {
		return w.reconcileRuns(ctx, s)
	}
	return w.reconcileState(ctx, s)
}

// situation is nil where there is nothing to compare.
func (w *watcher) situation(t task) *situation {
	now := w.c.clock.Now()
	s := &situation{identity: t.id, namespace: t.namespace, active: w.c.active(t.id)}
	selected := w.watches(t.namespace)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.complete {
		return nil
	}
	p := w.problems[t.id]
	if p == nil {
		if s.active == nil {
			return nil
		}
		s.absent, s.held = true, selected && w.broken[t.namespace] > 0
		s.fields = identityFields(&s.active.Spec)
		return s
	}
	s.fields, s.reported, s.scopeDeleted, s.recovered = p.fields, p.reported, p.scopeDeleted, p.recovered
	if s.active != nil {
		p.issue = s.active.Name
	} else {
		s.lost = p.issue
	}
	s.absent = len(p.members) == 0
	s.held = s.absent && selected && w.broken[t.namespace] > 0
	for m, f := range p.members {
		s.add(failure{m, w.objects[m.object].uid, *f}, w.waits(f, now))
	}
	s.reported = s.reported && (w.isRun() || !s.another(p.about))
	if s.absent && s.active == nil && (w.isRun() || !p.reported) {
		delete(w.problems, t.id)
	}
	return s
}

// another says that what fails is not what was told, but something that has taken its place: the
// object was deleted, and made again.
func (s *situation) another(told types.UID) bool {
	return len(s.failing) > 0 && !slices.ContainsFunc(s.failing, func(f failure) bool { return f.about == told })
}

// waits is how long until what was found has lasted for long enough.
func (w *watcher) waits(f *finding, now time.Time) time.Duration {
	switch {
	case f.verdict == issuemonitor.Failing && w.spec.For != nil:
		return max(0, w.spec.For.Duration-now.Sub(f.since()))
	case f.verdict == issuemonitor.Recovered && f.mending && w.spec.RecoveredFor != nil:
		return max(0, w.spec.RecoveredFor.Duration-now.Sub(f.seen))
	default:
		return 0
	}
}

func (s *situation) add(f failure, wait time.Duration) {
	if wait > 0 {
		s.held, s.wait = true, minimal(s.wait, wait)
		return
	}
	switch f.verdict {
	case issuemonitor.Failing:
		s.failing = append(s.failing, f)
	case issuemonitor.Recovered:
		s.successes = append(s.successes, f)
	default:
		s.held = true
	}
}

func minimal(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// oldest orders failures by when they began, and else by names.
func oldest(a, b failure) int {
	return cmp.Or(
		a.since().Compare(b.since()),
		cmp.Compare(a.object.Namespace, b.object.Namespace),
		cmp.Compare(a.object.Name, b.object.Name),
		cmp.Compare(a.item, b.item),
	)
}

// ours says whether the Active issue is the one that this monitor reported last.
func (w *watcher) ours(s *situation) bool {
	return s.active != nil && s.active.Status.Source == sourceOf(w.key)
}

// opened says whether it is this monitor that has to tell the recovery: what it told last,
// the cache may not have yet.
func (w *watcher) opened(s *situation) bool {
	return w.ours(s) || s.active == nil && s.reported
}

func lastSeen(s *situation) time.Time {
	if s.active == nil || s.active.Status.LastSeen == nil {
		return time.Time{}
	}
	return s.active.Status.LastSeen.Time
}

// lastActive is when the issue failed or was reopened last. No older recovery resolves it.
func lastActive(s *situation) time.Time {
	at := lastSeen(s)
	if s.active != nil && s.active.Status.LastReopened != nil && s.active.Status.LastReopened.After(at) {
		at = s.active.Status.LastReopened.Time
	}
	return at
}

// knows says whether an object has, or had, the problem.
func (w *watcher) knows(identity string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problems[identity] != nil
}

// told notes what the server has said.
func (w *watcher) told(s *situation, change func(*problem)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.problems[s.identity]; p != nil {
		change(p)
	}
}

func micro(at time.Time) *metav1.MicroTime {
	out := metav1.NewMicroTime(at)
	return &out
}
