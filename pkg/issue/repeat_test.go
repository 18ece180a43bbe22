// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
)

// TestRecoveryIsRepeated: who repeats a recovery and gives no time of its own is understood
// as of now. It says nothing of what failed since.
func TestRecoveryIsRepeated(t *testing.T) {
	t.Parallel()
	green := withRun("green")
	cases := map[string]struct {
		reason  string
		before  []*issues.IssueReport
		arrives *issues.IssueReport
		want    issues.ReportResult
	}{
		"OfRun": {
			"its run ended before what fails",
			[]*issues.IssueReport{failed(0), succeeded(10, green), failed(20)},
			succeeded(30, green), issues.ResultUnchanged,
		},
		"WhileResolved": {
			"it was known, though another one had resolved the issue",
			[]*issues.IssueReport{failed(0), succeeded(5, withRun("first")), succeeded(10, green), failed(20)},
			succeeded(30, green), issues.ResultUnchanged,
		},
		"AfterMany": {
			"runs that are not shown any longer are known", append(append([]*issues.IssueReport{failed(0), succeeded(1, green)}, manyRuns(2, 60)...), failed(90)),
			succeeded(100, green), issues.ResultUnchanged,
		},
		"OtherRun": {
			"it ended later",
			[]*issues.IssueReport{failed(0), succeeded(10, green), failed(20)},
			succeeded(30, withRun("newer")), issues.ResultResolved,
		},
		"SameRun": {
			"a run that failed, and succeeded when it was tried again",
			[]*issues.IssueReport{failed(0, green)},
			succeeded(10, green), issues.ResultResolved,
		},
		"NoRun": {
			"nobody can tell",
			[]*issues.IssueReport{failed(0), succeeded(10), failed(20)},
			succeeded(30), issues.ResultResolved,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := apply(nil, tc.before...).Issue
			got := apply(before, tc.arrives)
			require.Equal(t, tc.want, got.Result, tc.reason)
			if tc.want == issues.ResultUnchanged {
				require.Same(t, before, got.Issue, "nothing is written")
			}
		})
	}
}

// manyRuns fail and recover, one after the other.
func manyRuns(from, to int) []*issues.IssueReport {
	var out []*issues.IssueReport
	for at := from; at < to; at += 2 {
		out = append(out, failed(at), succeeded(at+1, withRun(microAt(at).String())))
	}
	return out
}
