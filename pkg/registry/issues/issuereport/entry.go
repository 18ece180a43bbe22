// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// entry is one report on its way to its answer. Whoever applies it sets status or
// err, and then closes done.
type entry struct {
	report *issues.IssueReport
	user   user.Info

	status issues.IssueReportStatus
	err    error
	done   chan struct{}
	// turn is closed when the entry has to lead.
	turn chan struct{}

	// asked says that mayResolveAny is known.
	asked, mayResolveAny bool
}

func newEntry(report *issues.IssueReport, by user.Info) *entry {
	return &entry{report: report, user: by, done: make(chan struct{}), turn: make(chan struct{})}
}

func (e *entry) widened() bool { return e.report.Spec.AllKeys || e.report.Spec.AllTypes }

// answer tells the reporter about issues. A dry run has made no version.
func (e *entry) answer(result issues.ReportResult, dryRun bool, reached ...*issues.Issue) {
	e.status.Result = result
	for _, issue := range reached {
		object := issues.ReportedObject{Name: issue.Name, UID: issue.UID, ResourceVersion: issue.ResourceVersion}
		if dryRun {
			object.ResourceVersion = ""
		}
		e.status.Issues = append(e.status.Issues, object)
	}
}

// reporter is the entry's user as the rules see it for one issue. The authorizer is
// asked only where its answer matters.
func (r *REST) reporter(ctx context.Context, e *entry, current *issues.Issue) (rules.Reporter, error) {
	out := rules.Reporter{User: e.user.GetName()}
	if e.report.Spec.Outcome != issues.OutcomeSucceeded || current == nil || current.Status.ReportedBy == out.User {
		return out, nil
	}
	var err error
	out.ResolvesAny, err = r.mayResolveAny(ctx, e)
	return out, err
}

// mayResolveAny says whether the user may update issues/status in the namespace.
func (r *REST) mayResolveAny(ctx context.Context, e *entry) (bool, error) {
	if e.asked {
		return e.mayResolveAny, nil
	}
	decision, _, err := r.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            e.user,
		Verb:            "update",
		Namespace:       e.report.Namespace,
		APIGroup:        issues.GroupName,
		APIVersion:      v1alpha1.SchemeGroupVersion.Version,
		Resource:        "issues",
		Subresource:     "status",
		ResourceRequest: true,
	})
	if decision != authorizer.DecisionAllow && err != nil {
		return false, apierrors.NewInternalError(fmt.Errorf("ask whether the reporter may update issues/status: %w", err))
	}
	e.asked, e.mayResolveAny = true, decision == authorizer.DecisionAllow
	return e.mayResolveAny, nil
}

// requireWidening refuses what only holders of update issues/status may do.
func (r *REST) requireWidening(ctx context.Context, e *entry) error {
	allowed, err := r.mayResolveAny(ctx, e)
	if err != nil || allowed {
		return err
	}
	return apierrors.NewForbidden(issues.Resource("issuereports"), e.report.Name, fmt.Errorf(
		"spec.allKeys and spec.allTypes need the right to update issues/status in namespace %q, which user %q does not have",
		e.report.Namespace, e.user.GetName()))
}
