// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"time"

	"kite.dev/kite/pkg/apis/issues"
)

// expirySteps is into how many steps the time is cut for which an issue need not be
// seen. Most of its occurrences then leave its deadline as it is, which storage indexes.
const expirySteps = 64

// Deadline is when the passage of time next changes an Active issue: its
// acknowledgement ends, it becomes overdue, or it expires; zero for never. Who looks
// then may find that it is too early, never that it is much too late: expiry is rounded
// up by 1/64 of spec.expiresAfter at most. The deadline of a Resolved issue is when it
// was resolved; how long it is kept after that is not the issue's to say. One that is
// being deleted already has none.
func Deadline(issue *issues.Issue) time.Time {
	status := &issue.Status
	if status.State == issues.StateResolved && issue.DeletionTimestamp != nil {
		return time.Time{}
	}
	if status.State == issues.StateResolved {
		return EpisodeOf(issue).ResolvedAt
	}
	var next time.Time
	if ack := status.Acknowledged; ack != nil {
		next = earlier(next, ack.Until.Time)
	}
	if due := issue.Spec.DueDate; due != nil && !overdue(issue) {
		next = earlier(next, due.Time)
	}
	if after := issue.Spec.ExpiresAfter; after != nil {
		next = earlier(next, roundUp(failing(status).Add(after.Duration), after.Duration/expirySteps))
	}
	return next
}

// earlier takes zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func roundUp(t time.Time, step time.Duration) time.Time {
	if step <= 0 {
		return t
	}
	if down := t.Truncate(step); !down.Equal(t) {
		return down.Add(step)
	}
	return t
}
