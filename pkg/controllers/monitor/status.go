// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// maxMessage is the limit of lastError's message in bytes.
	maxMessage = 1024
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

// note keeps the newest error.
func (w *watcher) note(object types.NamespacedName, identity string, err error) {
	out := &fault{identity: identity, MonitorError: issuesv1alpha1.MonitorError{
		Namespace: object.Namespace, Name: object.Name, At: metav1.NewTime(w.c.clock.Now()),
	}}
	message := err.Error()
	if failed, ok := errors.AsType[*issuemonitor.Error](err); ok {
		out.Field, message = failed.Path.String(), failed.Err.Error()
	}
	out.Message = strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
	w.mu.Lock()
	if last := w.fault; last == nil || last.Message != out.Message || last.Name != out.Name || last.Namespace != out.Namespace {
		w.fault = out
	}
	w.mu.Unlock()
	w.c.statusSoon(w.key)
}

// mend forgets an error of the object or the problem that is well.
func (w *watcher) mend(object types.NamespacedName, identity string) {
	w.mu.Lock()
	last := w.fault
	mended := last != nil && last.identity == identity && last.Namespace == object.Namespace && last.Name == object.Name
	if mended {
		w.fault = nil
	}
	w.mu.Unlock()
	if mended {
		w.c.statusSoon(w.key)
	}
}

// writeStatus writes what has changed.
func (c *Controller) writeStatus(ctx context.Context, w *watcher) error {
	p, ok := c.monitor(w.key)
	if !ok || p.meta.UID != w.uid || p.meta.Generation != w.generation {
		return nil // another watcher writes
	}
	next := w.status(p.status)
	if next == nil || apiequality.Semantic.DeepEqual(next, p.status) {
		return nil
	}
	err := c.updateStatus(ctx, w.key, next)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the monitor's status: %w", err)
	}
	return nil
}

func (c *Controller) updateStatus(ctx context.Context, key types.NamespacedName, next *issuesv1alpha1.IssueMonitorStatus) error {
	client := c.clients.Issues.IssuesV1alpha1()
	if key.Namespace == "" {
		obj, err := client.ClusterIssueMonitors().Get(ctx, key.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		obj.Status = *next
		_, err = client.ClusterIssueMonitors().UpdateStatus(ctx, obj, metav1.UpdateOptions{})
		return err
	}
	obj, err := client.IssueMonitors(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	obj.Status = *next
	_, err = client.IssueMonitors(key.Namespace).UpdateStatus(ctx, obj, metav1.UpdateOptions{})
	return err
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
	out.Watched, out.Failing, out.Pending, out.LastError = 0, 0, 0, nil
	for _, o := range w.objects {
		w.count(out, o, now)
	}
	if w.fault != nil {
		out.LastError = w.fault.DeepCopy()
		out.LastError.At = metav1.NewTime(out.LastError.At.Truncate(time.Second)) // as it is stored
	}
	w.condition(out, w.watching, now)
	evaluated := metav1.Condition{
		Type: issuesv1alpha1.ConditionEvaluated, Status: metav1.ConditionTrue,
		Reason: issuesv1alpha1.ReasonEvaluated, Message: "Every expression gives a value for every object",
	}
	if n := len(w.broken); n > 0 {
		evaluated.Status, evaluated.Reason = metav1.ConditionFalse, issuesv1alpha1.ReasonExpressionFailed
		evaluated.Message = fmt.Sprintf("Objects in %d namespaces cannot be evaluated; lastError tells why for one of them", n)
	}
	w.condition(out, evaluated, now)
	return out
}

func (w *watcher) condition(out *issuesv1alpha1.IssueMonitorStatus, condition metav1.Condition, now time.Time) {
	condition.ObservedGeneration = w.generation
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
