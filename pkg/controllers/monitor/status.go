// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

const (
	// statusPause gathers what changes in a burst.
	statusPause = 2 * time.Second
)

func (c *Controller) statusSoon(key types.NamespacedName) {
	c.queue.AddAfter(task{kind: statusKind, monitor: key}, statusPause)
}

// say sets the condition Watching, whose type it fills in.
func (w *watcher) say(condition metav1.Condition) {
	condition.Type = issuesv1alpha1.ConditionWatching
	w.mu.Lock()
	same := w.watching == condition
	w.watching = condition
	w.mu.Unlock()
	if !same {
		w.c.queue.Add(task{kind: statusKind, monitor: w.key})
	}
}

// writeStatus writes what has changed, by the cache and then by the server: what was written
// a moment ago the cache may not have yet.
func (c *Controller) writeStatus(ctx context.Context, w *watcher) error {
	p, ok := c.monitor(w.key)
	if !ok || p.meta.UID != w.uid || p.meta.Generation != w.generation {
		return nil // another watcher writes
	}
	if !w.change(p.status.DeepCopy()) {
		return nil
	}
	err := c.updateStatus(ctx, w)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the monitor's status: %w", err)
	}
	return nil
}

func (c *Controller) updateStatus(ctx context.Context, w *watcher) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	client, key := c.clients.Issues.IssuesV1alpha1(), w.key
	if key.Namespace == "" {
		obj, err := client.ClusterIssueMonitors().Get(ctx, key.Name, metav1.GetOptions{})
		if err != nil || !w.change(&obj.Status) {
			return err
		}
		_, err = client.ClusterIssueMonitors().UpdateStatus(ctx, obj, metav1.UpdateOptions{})
		return err
	}
	obj, err := client.IssueMonitors(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil || !w.change(&obj.Status) {
		return err
	}
	_, err = client.IssueMonitors(key.Namespace).UpdateStatus(ctx, obj, metav1.UpdateOptions{})
	return err
}

// change makes a status the newest, and says whether it was another one.
func (w *watcher) change(last *issuesv1alpha1.IssueMonitorStatus) bool {
	next := w.status(last)
	if next == nil || apiequality.Semantic.DeepEqual(next, last) {
		return false
	}
	*last = *next
	return true
}

// status is nil as long as nothing is known. Counts of what cannot be watched are zero.
func (w *watcher) status(last *issuesv1alpha1.IssueMonitorStatus) *issuesv1alpha1.IssueMonitorStatus {
	now := w.c.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching.Type == "" {
		return nil
	}
	out := last.DeepCopy()
	out.ObservedGeneration = w.generation
	out.Watched, out.Failing, out.Pending = 0, 0, 0
	for _, o := range w.objects {
		w.count(out, o, now)
	}
	evaluated, refused := w.faults()
	out.LastError = longer(evaluated, refused).DeepCopy()
	w.noteApplied()
	setCondition(out, w.watching, w.generation, now)
	setCondition(out, evaluatedCondition(evaluated), w.generation, now)
	setCondition(out, w.reportedCondition(refused), w.applied, now)
	return out
}

func evaluatedCondition(fault *issuesv1alpha1.MonitorError) metav1.Condition {
	out := metav1.Condition{Type: issuesv1alpha1.ConditionEvaluated}
	if fault != nil {
		out.Status, out.Reason, out.Message = metav1.ConditionFalse, issuesv1alpha1.ReasonExpressionFailed, tell(fault)
		return out
	}
	out.Status, out.Reason = metav1.ConditionTrue, issuesv1alpha1.ReasonEvaluated
	out.Message = "Every expression gives a value for every object"
	return out
}

func (w *watcher) reportedCondition(refused *issuesv1alpha1.MonitorError) metav1.Condition {
	out := metav1.Condition{Type: issuesv1alpha1.ConditionReported}
	switch {
	case refused != nil:
		out.Status, out.Reason, out.Message = metav1.ConditionFalse, issuesv1alpha1.ReasonRefused, tell(refused)
	case w.applied != w.generation:
		out.Status, out.Reason = metav1.ConditionUnknown, issuesv1alpha1.ReasonChanged
		out.Message = "The monitor has changed; what is Active is told anew"
	default:
		out.Status, out.Reason, out.Message = metav1.ConditionTrue, issuesv1alpha1.ReasonReported, "Every report was taken"
	}
	return out
}

func setCondition(out *issuesv1alpha1.IssueMonitorStatus, condition metav1.Condition, generation int64, now time.Time) {
	condition.ObservedGeneration = generation
	condition.LastTransitionTime = metav1.NewTime(now)
	meta.SetStatusCondition(&out.Conditions, condition)
}

// count adds one object to the numbers.
func (w *watcher) count(out *issuesv1alpha1.IssueMonitorStatus, o *object, now time.Time) {
	ignored, failing, pending := len(o.findings) > 0, false, false
	for i := range o.findings {
		f := &o.findings[i]
		ignored = ignored && f.verdict == issuemonitor.Ignored
		if f.verdict == issuemonitor.Failing {
			waits := w.waits(f, now) > 0
			failing, pending = failing || !waits, pending || waits
		}
	}
	switch {
	case ignored:
		return
	case failing:
		out.Failing++
	case pending:
		out.Pending++
	}
	out.Watched++
}
