// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// describe is the report of a failure, without its time. It is nil where the object has
// changed since: then there is another task. Nobody hears that its owner has, so that is
// looked at again.
func (w *watcher) describe(ctx context.Context, s *situation, f failure) (*issuesv1alpha1.IssueReportSpec, error) {
	obj := w.object(f.object)
	if obj == nil || obj.GetUID() != f.uid {
		return nil, nil //nolint:nilnil // see above
	}
	owned := w.ownershipOf(ctx, obj)
	in, err := w.input(obj, &owned)
	if err != nil {
		return nil, temporary(err)
	}
	var described *issues.ReportedIssue
	stopped := w.c.turns.Do(ctx, w.key.Namespace, func() { described, err = w.describeItem(ctx, s, f.member, in) })
	if stopped != nil {
		return nil, stopped
	}
	if err != nil || described == nil {
		return nil, temporary(err)
	}
	issue, err := external(described)
	if err != nil {
		return nil, err
	}
	if identityOf(obj.GetNamespace(), issue) != s.identity {
		w.see(ctx, f.object)
		return nil, nil //nolint:nilnil // see above
	}
	w.locate(ctx, obj.GetNamespace(), &issue.Scope)
	return &issuesv1alpha1.IssueReportSpec{Issue: issue, Source: sourceOf(w.key)}, nil
}

// describeItem is nil for what does not fail any longer.
func (w *watcher) describeItem(ctx context.Context, s *situation, m member, in issuemonitor.Input) (*issues.ReportedIssue, error) {
	inputs, err := w.compiled.Items(ctx, in)
	if err != nil || m.item >= len(inputs) {
		return nil, err
	}
	verdict, err := w.compiled.Judge(ctx, inputs[m.item])
	if err != nil || verdict != issuemonitor.Failing {
		return nil, err
	}
	out, err := w.compiled.Describe(ctx, inputs[m.item])
	if err != nil {
		w.note(s, m.object, w.ofItem(err, m.item))
		return nil, err
	}
	return &out, nil
}

// report reports a failure.
func (w *watcher) report(
	ctx context.Context, s *situation, f failure, spec issuesv1alpha1.IssueReportSpec,
) (issuesv1alpha1.IssueReportStatus, error) {
	answer, err := w.c.clients.Reporter.Failed(ctx, s.namespace, spec)
	w.note(s, f.object, err)
	return answer, err
}

// tellRecovery reports that the problem is gone.
func (w *watcher) tellRecovery(ctx context.Context, s *situation, at time.Time, reason string) error {
	err := w.c.succeeded(ctx, s.namespace, s.active, issuesv1alpha1.IssueReportSpec{
		ObservedAt: micro(at), Issue: s.fields, Reason: reason, Source: sourceOf(w.key),
	})
	w.note(s, types.NamespacedName{Namespace: s.namespace, Name: s.fields.Scope.Name}, err)
	return err
}

// succeeded reports a recovery of an issue as it is cached once.
func (c *Controller) succeeded(
	ctx context.Context, namespace string, active *issuesv1alpha1.Issue, spec issuesv1alpha1.IssueReportSpec,
) error {
	identity := identityOf(namespace, spec.Issue)
	if active != nil && c.wasResolved(identity) == active.ResourceVersion {
		return nil
	}
	answer, err := c.clients.Reporter.Succeeded(ctx, namespace, spec)
	if err != nil {
		return err
	}
	if answer.Result == issuesv1alpha1.ResultStale {
		return errOvertaken
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
