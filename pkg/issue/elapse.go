// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"kite.dev/kite/pkg/apis/issues"
)

// ByServer is who does what nobody asked for.
const ByServer = "kite-apiserver"

// Elapse is what the passage of time makes of an issue: it expires, its acknowledgement
// ends, it becomes overdue. It returns a new object, or the issue itself when nothing is
// due. An issue expires at its time, however late that is noticed: every server that
// notices it makes the same of it.
func Elapse(current *issues.Issue, now time.Time) *issues.Issue {
	out := current.DeepCopy()
	if Expired(current, now) {
		at := failing(&current.Status).Add(current.Spec.ExpiresAfter.Duration)
		resolve(&out.Status, issues.IssueTransition{Time: micro(at), Reason: issues.ReasonExpired, By: ByServer})
	}
	Sync(out, current, now)
	if apiequality.Semantic.DeepEqual(out, current) {
		return current
	}
	return out
}

// Removable says whether an issue has been Resolved for so long that it leaves the API.
// Zero keeps all. One that is being deleted waits for its finalizers.
func Removable(issue *issues.Issue, now time.Time, retention time.Duration) bool {
	if retention <= 0 || issue.Status.State != issues.StateResolved || issue.DeletionTimestamp != nil {
		return false
	}
	return !now.Before(EpisodeOf(issue).ResolvedAt.Add(retention))
}
