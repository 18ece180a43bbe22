// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func TestElapse(t *testing.T) {
	t.Parallel()
	expiring := func() *issues.Issue {
		return apply(nil, failed(0, withExpiry(10*time.Second)), failed(5, withExpiry(10*time.Second))).Issue
	}
	due := func() *issues.Issue { return apply(nil, failed(0, withDueDate(7200))).Issue }
	acknowledged := func() *issues.Issue {
		out, err := issue.Acknowledge(due(), "ann", &issues.IssueAcknowledgement{Until: &metav1.Time{Time: at(7000)}}, at(1))
		require.NoError(t, err)
		return out
	}
	for name, tc := range map[string]struct {
		reason string
		issue  *issues.Issue
		now    time.Time
		check  func(*testing.T, *issues.Issue)
	}{
		"Early":        {"it was seen five seconds later", expiring(), at(14), nil},
		"Expired":      {"not seen for that long", expiring(), at(4000), requireExpiredAt(15)},
		"NotDue":       {"the date itself is in time", due(), at(7200), nil},
		"Due":          {"after it", due(), at(7201), requireOverdue},
		"Acknowledged": {"somebody takes care of it", acknowledged(), at(6999), nil},
		"AckEnds":      {"nobody does any longer", acknowledged(), at(7000), requireUnacknowledged},
		"Resolved":     {"time does nothing to it", apply(due(), succeeded(9)).Issue, at(9000), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := tc.issue.DeepCopy()
			got := issue.Elapse(tc.issue, tc.now)
			require.Equal(t, before, tc.issue, "what was passed in is not changed")
			if tc.check == nil {
				require.Same(t, tc.issue, got, tc.reason)
				return
			}
			tc.check(t, got)
			require.Same(t, got, issue.Elapse(got, tc.now), "it is done once")
			require.False(t, issue.Deadline(tc.issue).After(tc.now) && tc.now.Before(at(4000)), "it was looked at in time")
		})
	}
}

func requireExpiredAt(seconds int) func(*testing.T, *issues.Issue) {
	return func(t *testing.T, got *issues.Issue) {
		t.Helper()
		require.Equal(t, issues.StateResolved, got.Status.State)
		require.Equal(t, microAt(seconds), got.Status.ResolvedAt, "at its time, not when it was noticed")
		require.Equal(t, issues.ReasonExpired, got.Status.Transitions[0].Reason)
		require.Equal(t, issue.ByServer, got.Status.ResolvedBy)
		require.Equal(t, issues.ResultReopened, apply(got, failed(20)).Result, "it can fail again")
	}
}

func requireOverdue(t *testing.T, got *issues.Issue) {
	t.Helper()
	require.Equal(t, int32(35), got.Status.Rank)
	require.Equal(t, "true", got.Labels["issues.kite.dev/overdue"])
	require.True(t, issue.Deadline(got).IsZero())
}

func requireUnacknowledged(t *testing.T, got *issues.Issue) {
	t.Helper()
	require.Nil(t, got.Status.Acknowledged)
	require.Equal(t, at(7200), issue.Deadline(got).UTC(), "the next is its due date")
}

func TestRemovable(t *testing.T) {
	t.Parallel()
	resolved := apply(nil, failed(0), succeeded(10)).Issue
	deleting := resolved.DeepCopy()
	deleting.DeletionTimestamp = &metav1.Time{Time: at(11)}
	require.False(t, issue.Removable(resolved, at(69), time.Minute))
	require.True(t, issue.Removable(resolved, at(70), time.Minute))
	require.False(t, issue.Removable(resolved, at(70), 0), "nothing is ever removed")
	require.False(t, issue.Removable(deleting, at(70), time.Minute), "a finalizer holds it")
	require.False(t, issue.Removable(apply(resolved, failed(20)).Issue, at(700), time.Minute))
	require.True(t, issue.Deadline(deleting).IsZero(), "nobody needs to look at it")
}
