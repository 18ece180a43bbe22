// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics/testutil"

	"kite.dev/kite/pkg/apis/issues"
)

// TestObserve counts between two versions. Each case has a type of its own, and so
// counters of its own, but for the histogram.
func TestObserve(t *testing.T) { //nolint:paralleltest // the metrics are the process's
	cases := map[string]struct {
		reason           string
		before, after    life
		opened, resolved float64
	}{
		issues.TypeBuild:      {reason: "created Active", before: life{reopened: -1}, after: life{active: true}, opened: 1},
		issues.TypeTest:       {reason: "created by a failure and its recovery", before: life{reopened: -1}, after: life{}, opened: 1, resolved: 1},
		issues.TypeRelease:    {reason: "resolved", before: life{active: true}, after: life{}, resolved: 1},
		issues.TypeDependency: {reason: "reopened", before: life{}, after: life{active: true, reopened: 1}, opened: 1},
		issues.TypePipeline:   {reason: "failed again twice in one write", before: life{active: true}, after: life{active: true, reopened: 2}, opened: 2, resolved: 2},
		issues.TypePolicy:     {reason: "only edited", before: life{active: true, reopened: 3}, after: life{active: true, reopened: 3}},
		"own":                 {reason: "an own type counts as other", before: life{active: true}, after: life{}, resolved: 1},
	}
	for kind, tc := range cases { //nolint:paralleltest // the metrics are the process's
		t.Run(kind, func(t *testing.T) {
			severity, label := "of "+kind, kind
			if kind == "own" {
				label = "other"
			}
			opened := metav1.NewMicroTime(time.Unix(1000, 0))
			resolved := metav1.NewMicroTime(time.Unix(1120, 0))
			issue := &issues.Issue{
				Spec:   issues.IssueSpec{Type: kind, Severity: issues.IssueSeverity(severity)},
				Status: issues.IssueStatus{State: issues.StateResolved, FirstSeen: &opened, ResolvedAt: &resolved},
			}
			observe(tc.before, tc.after, issue)
			value := func(v float64, err error) float64 {
				require.NoError(t, err)
				return v
			}
			require.InDelta(t, tc.opened, value(testutil.GetCounterMetricValue(openedTotal.WithLabelValues(severity, label))), 0, tc.reason)
			require.InDelta(t, tc.resolved, value(testutil.GetCounterMetricValue(resolvedTotal.WithLabelValues(severity, label))), 0, tc.reason)
			if tc.resolved > 0 && !tc.after.active {
				require.InDelta(t, 120, value(testutil.GetHistogramMetricValue(timeToResolve.WithLabelValues(severity))), 0, tc.reason)
			}
		})
	}
}
