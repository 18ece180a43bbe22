// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

func TestPrepareForCreate(t *testing.T) {
	t.Parallel()
	monitor := newMonitor(func(m *issues.IssueMonitor) { m.Status = watchingStatus(metav1.ConditionTrue, issues.ReasonWatching) })
	testStrategy(true).PrepareForCreate(t.Context(), monitor)
	require.Equal(t, issues.IssueMonitorStatus{}, monitor.Status)
	require.EqualValues(t, 1, monitor.Generation)
}

func TestPrepareForUpdate(t *testing.T) {
	t.Parallel()
	old := newMonitor(func(m *issues.IssueMonitor) { m.Status = watchingStatus(metav1.ConditionTrue, issues.ReasonWatching) })

	same := newMonitor(func(m *issues.IssueMonitor) { m.Labels = map[string]string{"a": "b"} })
	testStrategy(true).PrepareForUpdate(t.Context(), same, old)
	require.Equal(t, old.Status, same.Status, "the status is not the client's")
	require.EqualValues(t, 3, same.Generation, "labels are no new generation")

	changed := newMonitor(func(m *issues.IssueMonitor) { m.Spec.Failing = "true" })
	testStrategy(true).PrepareForUpdate(t.Context(), changed, old)
	require.EqualValues(t, 4, changed.Generation)
}

// TestPluralFollowsTheKind where it was guessed: an apply cannot take away what it never wrote.
func TestPluralFollowsTheKind(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, kind, was, written, want string }{
		"Guessed":   {"the default of another kind", "CronJob", "jobs", "jobs", "cronjobs"},
		"Named":     {"a plural that somebody wrote before", "CronJob", "jobz", "jobz", "jobz"},
		"Renamed":   {"a plural that is written with the kind", "CronJob", "jobs", "crons", "crons"},
		"Unchanged": {"the kind is the same", "Job", "jobs", "jobs", "jobs"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := newMonitor(func(m *issues.IssueMonitor) { m.Spec.Resource.Resource = tc.was })
			next := newMonitor(func(m *issues.IssueMonitor) { m.Spec.Resource.Kind, m.Spec.Resource.Resource = tc.kind, tc.written })
			testStrategy(true).PrepareForUpdate(t.Context(), next, old)
			require.Equal(t, tc.want, next.Spec.Resource.Resource, tc.reason)
		})
	}
}

func TestPrepareStatus(t *testing.T) {
	t.Parallel()
	old := newClusterMonitor()
	next := newClusterMonitor()
	next.Spec.Failing, next.Labels = "true", map[string]string{"a": "b"}
	next.Status = watchingStatus(metav1.ConditionFalse, issues.ReasonKindMissing)
	want := next.Status
	status := statusStrategy{testStrategy(false)}
	status.PrepareForUpdate(t.Context(), next, old)
	require.Equal(t, old.Spec, next.Spec, "a controller changes no spec")
	require.Empty(t, next.Labels)
	require.Equal(t, want, next.Status)
	require.Empty(t, status.ValidateUpdate(t.Context(), next, old))

	next.Status.Conditions[0].Reason = ""
	require.NotEmpty(t, status.ValidateUpdate(t.Context(), next, old))
}

// TestValidates: each kind has its own rules about namespaces.
func TestValidates(t *testing.T) {
	t.Parallel()
	namespaced, cluster := testStrategy(true), testStrategy(false)
	require.True(t, namespaced.NamespaceScoped())
	require.False(t, cluster.NamespaceScoped())
	one, all := newMonitor(), newClusterMonitor()
	require.Empty(t, namespaced.Validate(t.Context(), one))
	require.Empty(t, cluster.Validate(t.Context(), all))

	one.Spec.Resource.NamespaceSelector, all.Spec.Resource.NamespaceSelector = &metav1.LabelSelector{}, &metav1.LabelSelector{}
	require.Len(t, namespaced.Validate(t.Context(), one), 1)
	require.Len(t, namespaced.ValidateUpdate(t.Context(), one, newMonitor()), 1)
	require.Empty(t, cluster.Validate(t.Context(), all))
	require.Empty(t, cluster.ValidateUpdate(t.Context(), all, newClusterMonitor()))
}
