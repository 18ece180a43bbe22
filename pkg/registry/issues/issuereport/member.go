// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	"kite.dev/kite/pkg/apis/issues"
)

// Recovery is what a report about a whole group says to each of its members.
type Recovery struct {
	GroupKey   string
	ObservedAt *metav1.MicroTime
	Reason     string
	By         user.Info
}

// Recover applies a recovery to one member of a group, in the member's namespace. It
// decides as a report of that member does, and resolves whoever's failure it was: the
// right to do so comes with the right to report on groups. An issue that has left the
// group, or is gone, is Unchanged.
func (r *REST) Recover(
	ctx context.Context, member *issues.Issue, recovery Recovery, dryRun []string,
) (issues.ReportResult, error) {
	report := &issues.IssueReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: member.Namespace},
		Spec: issues.IssueReportSpec{
			Outcome:    issues.OutcomeSucceeded,
			ObservedAt: recovery.ObservedAt,
			Reason:     recovery.Reason,
		},
	}
	e := newEntry(report, recovery.By)
	e.asked, e.mayResolveAny = true, true

	ctx = genericapirequest.WithNamespace(ctx, member.Namespace)
	var decided []verdict
	_, err := r.store.UpdateDecided(ctx, member.Name, func(current *issues.Issue) (*issues.Issue, error) {
		if current.Spec.GroupKey != recovery.GroupKey || current.UID != member.UID {
			return nil, errMoved
		}
		var next *issues.Issue
		next, decided = r.decide(ctx, current, []*entry{e})
		return next, nil
	}, dryRun)
	if apierrors.IsNotFound(err) || errors.Is(err, errMoved) {
		return issues.ResultUnchanged, nil
	}
	if err != nil {
		return "", err
	}
	return decided[0].result, decided[0].err
}
