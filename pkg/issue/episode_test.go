// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

func TestEpisodeOf(t *testing.T) {
	t.Parallel()
	opened := apply(nil, failed(1)).Issue
	manyCauses := opened
	for i := range 2 * issue.MaxTransitions {
		manyCauses = apply(manyCauses, failed(10+i, withCause(fmt.Sprint("Cause", i)))).Issue
	}
	byHand := &issues.Issue{}
	issue.PrepareCreate(byHand, "ann", at(7))
	imported := &issues.Issue{Status: issues.IssueStatus{State: issues.StateResolved}}
	imported.CreationTimestamp = metav1.NewTime(at(9))
	for name, tc := range map[string]struct {
		reason string
		issue  *issues.Issue
		want   issue.Episode
	}{
		"Open":        {"it goes on", opened, issue.Episode{OpenedAt: at(1)}},
		"SeenAgain":   {"a failure of an Active issue opens nothing", apply(opened, failed(5)).Issue, issue.Episode{OpenedAt: at(1)}},
		"SeenEarlier": {"when it was opened stays", apply(apply(nil, failed(5)).Issue, failed(2)).Issue, issue.Episode{OpenedAt: at(5)}},
		"Causes":      {"transitions that tell a cause do not count", manyCauses, issue.Episode{OpenedAt: at(1)}},
		"Resolved":    {"by a report", apply(opened, succeeded(3)).Issue, issue.Episode{OpenedAt: at(1), ResolvedAt: at(3), Reason: issues.ReasonSucceeded}},
		"Reopened":    {"the second episode", apply(opened, succeeded(3), failed(4)).Issue, issue.Episode{Number: 1, OpenedAt: at(4)}},
		"Again":       {"has its own end", apply(opened, succeeded(3), failed(4), succeeded(8)).Issue, issue.Episode{Number: 1, OpenedAt: at(4), ResolvedAt: at(8), Reason: issues.ReasonSucceeded}},
		"ByHand":      {"since it was created", byHand, issue.Episode{OpenedAt: at(7)}},
		"Bare":        {"without any history", imported, issue.Episode{OpenedAt: at(9), ResolvedAt: at(9)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, issue.EpisodeOf(tc.issue), tc.reason)
		})
	}
}

func TestEpisodeEndsAfterItBegan(t *testing.T) {
	t.Parallel()
	episode := issue.Episode{OpenedAt: at(5)}
	episode.End(at(3), issue.ReasonDeleted)
	require.Equal(t, issue.Episode{OpenedAt: at(5), ResolvedAt: at(5), Reason: issue.ReasonDeleted}, episode)
}
