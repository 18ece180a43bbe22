// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// describe is the report of a failure, without its time. It is nil where the object has
// changed since: then there is another task.
func (w *watcher) describe(ctx context.Context, f failure, identity string) (*issuesv1alpha1.IssueReportSpec, error) {
	obj := w.object(f.object)
	if obj == nil {
		return nil, nil //nolint:nilnil // see above
	}
	inputs, err := w.inputs(ctx, obj)
	if err != nil || f.item >= len(inputs) {
		return nil, temporary(err)
	}
	described, err := w.compiled.Describe(ctx, inputs[f.item])
	if err != nil {
		w.note(f.object, identity, err)
		return nil, temporary(err)
	}
	issue, err := external(&described)
	if err != nil {
		return nil, err
	}
	if identityOf(obj.GetNamespace(), issue) != identity {
		return nil, nil //nolint:nilnil // see above
	}
	return &issuesv1alpha1.IssueReportSpec{Issue: issue, Source: sourceOf(w.key)}, nil
}

// report reports a failure, and notes what the server says against it.
func (w *watcher) report(
	ctx context.Context, s *situation, f failure, spec issuesv1alpha1.IssueReportSpec,
) (issuesv1alpha1.IssueReportStatus, error) {
	answer, err := w.c.clients.Reporter.Failed(ctx, s.namespace, spec)
	if err != nil {
		return answer, w.refused(s, f.object, err)
	}
	w.mend(f.object, s.identity)
	return answer, nil
}

// tellRecovery reports that the problem is gone.
func (w *watcher) tellRecovery(ctx context.Context, s *situation, at time.Time, reason string) error {
	err := w.c.succeeded(ctx, s.namespace, s.active, issuesv1alpha1.IssueReportSpec{
		ObservedAt: micro(at), Issue: s.fields, Reason: reason, Source: sourceOf(w.key),
	})
	if err != nil {
		return w.refused(s, types.NamespacedName{Namespace: s.namespace, Name: s.fields.Scope.Name}, err)
	}
	return nil
}

// succeeded reports a recovery of an issue as it is cached once.
func (c *Controller) succeeded(
	ctx context.Context, namespace string, active *issuesv1alpha1.Issue, spec issuesv1alpha1.IssueReportSpec,
) error {
	identity := identityOf(namespace, spec.Issue)
	if active != nil && c.wasResolved(identity) == active.ResourceVersion {
		return nil
	}
	if _, err := c.clients.Reporter.Succeeded(ctx, namespace, spec); err != nil {
		return err
	}
	if active != nil {
		c.mu.Lock()
		c.resolved[identity] = active.ResourceVersion
		c.mu.Unlock()
	}
	return nil
}

func (c *Controller) wasResolved(identity string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resolved[identity]
}

// forget lets go of what the cache has seen.
func (c *Controller) forget(identity string) {
	if c.active(identity) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.resolved, identity)
}

// refused is shown in the monitor's status if its author can mend it.
func (w *watcher) refused(s *situation, object types.NamespacedName, err error) error {
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) {
		w.note(object, s.identity, err)
	}
	return err
}

// resolveOrphan resolves an issue whose monitor was deleted.
func (c *Controller) resolveOrphan(ctx context.Context, t task) error {
	issue := c.active(t.id)
	if issue == nil || issue.Status.Source != sourceOf(t.monitor) || c.exists(t.monitor) {
		return nil
	}
	err := c.succeeded(ctx, t.namespace, issue, issuesv1alpha1.IssueReportSpec{
		ObservedAt: micro(c.clock.Now()), Issue: identityFields(&issue.Spec),
		Reason: issuesv1alpha1.ReasonMonitorDeleted, Source: issue.Status.Source,
	})
	if err != nil {
		return fmt.Errorf("resolve the issue of a deleted monitor: %w", err)
	}
	return nil
}

// external is a report as clients write it.
func external(in *issues.ReportedIssue) (issuesv1alpha1.ReportedIssue, error) {
	out := issuesv1alpha1.ReportedIssue{}
	err := issuesv1alpha1.Convert_issues_ReportedIssue_To_v1alpha1_ReportedIssue(in, &out, nil)
	return out, err
}
