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

func withExpiry(after time.Duration) reportOption {
	return func(spec *issues.IssueReportSpec) { spec.Issue.ExpiresAfter = &metav1.Duration{Duration: after} }
}

func withDueDate(seconds int) reportOption {
	return func(spec *issues.IssueReportSpec) { spec.Issue.DueDate = &metav1.Time{Time: at(seconds)} }
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	acknowledged, err := issue.Acknowledge(apply(nil, failed(0, withDueDate(9000))).Issue, "ann",
		&issues.IssueAcknowledgement{Until: &metav1.Time{Time: at(5000)}}, at(1))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		reason string
		issue  *issues.Issue
		want   time.Time
	}{
		"Never":        {"nothing to wait for", apply(nil, failed(0)).Issue, time.Time{}},
		"Due":          {"it becomes overdue", apply(nil, failed(0, withDueDate(9000))).Issue, at(9000)},
		"Overdue":      {"it is overdue already", apply(nil, failed(0, withDueDate(10))).Issue, time.Time{}},
		"Acknowledged": {"the first of two", acknowledged, at(5000)},
		"Expires":      {"seen for the last time", apply(nil, failed(0, withExpiry(64*time.Second))).Issue, at(64)},
		"RoundedUp":    {"never too early", apply(nil, failed(1, withExpiry(640*time.Second))).Issue, at(650)},
		"Tiny":         {"a nanosecond has no steps", apply(nil, failed(1, withExpiry(1))).Issue, at(1).Add(1)},
		"Resolved":     {"when it was resolved", apply(nil, failed(0, withDueDate(9000)), succeeded(7)).Issue, at(7)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, tc.want.Equal(issue.Deadline(tc.issue)), "%s: %s", tc.reason, issue.Deadline(tc.issue))
		})
	}
}

// TestDeadlineStays: storage indexes it, so occurrences must not move it all the time.
func TestDeadlineStays(t *testing.T) {
	t.Parallel()
	const after = 7 * 24 * time.Hour
	current, moves := apply(nil, failed(0, withExpiry(after))).Issue, 0
	for hour := 1; hour <= 24; hour++ {
		next := apply(current, failed(hour*3600, withExpiry(after))).Issue
		if !issue.Deadline(next).Equal(issue.Deadline(current)) {
			moves++
		}
		exact := at(hour * 3600).Add(after)
		require.False(t, issue.Deadline(next).Before(exact))
		require.Less(t, issue.Deadline(next).Sub(exact), after/64)
		current = next
	}
	require.LessOrEqual(t, moves, 11)
}
