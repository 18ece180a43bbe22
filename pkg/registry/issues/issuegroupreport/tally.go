// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroupreport

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"kite.dev/kite/pkg/apis/issues"
)

// notResolved is the result of a member whose write failed.
const notResolved issues.ReportResult = "NotResolved"

// tally is what a report has done so far.
type tally struct {
	resolved, stale, notResolved int32
}

func (t *tally) add(result issues.ReportResult) {
	switch result {
	case issues.ResultResolved:
		t.resolved++
	case issues.ResultStale:
		t.stale++
	case notResolved:
		t.notResolved++
	default:
	}
}

// status answers the sender. The result is that of the member to which most happened.
func (t *tally) status() issues.IssueGroupReportStatus {
	out := issues.IssueGroupReportStatus{Result: issues.ResultUnchanged, Resolved: t.resolved, Stale: t.stale}
	switch {
	case t.resolved > 0:
		out.Result = issues.ResultResolved
	case t.stale > 0:
		out.Result = issues.ResultStale
	}
	return out
}

// failure is why a report cannot be answered with its status: there is more to do.
func (t *tally) failure(ctx context.Context, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return apierrors.NewTimeoutError(fmt.Sprintf(
			"%d members were resolved in time; send the report again to resolve the others", t.resolved), 1)
	case err == nil && t.notResolved > 0:
		return apierrors.NewInternalError(fmt.Errorf(
			"%d members were resolved, %d could not be; the server's log says which and why", t.resolved, t.notResolved))
	default:
		return err
	}
}
