// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"time"

	"kite.dev/kite/pkg/apis/issues"
)

// ReasonDeleted is why an episode ended whose issue was deleted while it was Active.
const ReasonDeleted = "Deleted"

// Episode is one time that an issue was Active.
type Episode struct {
	// Number is how often the issue had been reopened before: 0 is the first.
	Number   int32
	OpenedAt time.Time
	// ResolvedAt is zero while the issue is Active, and never before OpenedAt.
	ResolvedAt time.Time
	// Reason is why it ended.
	Reason string
}

// EpisodeOf returns the newest episode of an issue.
func EpisodeOf(issue *issues.Issue) Episode {
	status := &issue.Status
	out := Episode{Number: status.Reopened, OpenedAt: openedAt(issue)}
	if status.State != issues.StateResolved {
		return out
	}
	at, reason := out.OpenedAt, ""
	if status.ResolvedAt != nil {
		at = status.ResolvedAt.Time
	}
	if len(status.Transitions) > 0 {
		reason = status.Transitions[0].Reason
	}
	out.End(at, reason)
	return out
}

// End ends an episode, not before it began.
func (e *Episode) End(at time.Time, reason string) {
	if at.Before(e.OpenedAt) {
		at = e.OpenedAt
	}
	e.ResolvedAt, e.Reason = at, reason
}

// openedAt is when the issue became Active last. Transitions that only tell a cause do
// not count. So many of them may come after it that the issue has forgotten it; then it
// is when the issue was reopened by a person, or first seen.
func openedAt(issue *issues.Issue) time.Time {
	status := &issue.Status
	for i := range status.Transitions {
		t := &status.Transitions[i]
		if t.To == issues.StateActive && t.From != issues.StateActive {
			return t.Time.Time
		}
	}
	switch {
	case status.LastReopened != nil:
		return status.LastReopened.Time
	case status.FirstSeen != nil:
		return status.FirstSeen.Time
	default:
		return issue.CreationTimestamp.Time
	}
}
