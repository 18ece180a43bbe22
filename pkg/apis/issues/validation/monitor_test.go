// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
)

func newMonitor(change func(*issues.IssueMonitor)) *issues.IssueMonitor {
	out := &issues.IssueMonitor{
		ObjectMeta: metav1.ObjectMeta{Name: "jobs", Namespace: "team-gamma", UID: "u", ResourceVersion: "1"},
		Spec: issues.IssueMonitorSpec{
			Resource: issues.MonitoredResource{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs"},
			Mode:     issues.ModeState,
			Failing:  "object.status.failed > 0",
			Issue:    issues.IssueTemplate{Type: issues.TypeRuntime, Severity: issues.SeverityMajor, Title: `"failed"`},
		},
	}
	if change != nil {
		change(out)
	}
	return out
}

// clusterMonitor has the same spec for all namespaces.
func clusterMonitor(monitor *issues.IssueMonitor) *issues.ClusterIssueMonitor {
	out := &issues.ClusterIssueMonitor{ObjectMeta: monitor.ObjectMeta, Spec: monitor.Spec}
	out.Namespace = ""
	return out
}

func validateMonitor(t *testing.T, obj *issues.IssueMonitor) field.ErrorList {
	t.Helper()
	return withMarkers(t, obj, nil, "", validation.ValidateIssueMonitor(obj))
}

func TestValidateIssueMonitor(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*issues.IssueMonitor)
		want   []string
	}{
		"Plain": {reason: "what is optional may be absent", change: func(*issues.IssueMonitor) {}},
		"Full": {reason: "selectors and times of every form", change: func(m *issues.IssueMonitor) {
			m.Spec.Resource.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "web"}}
			m.Spec.Resource.FieldSelector = "status.successful!=1"
			m.Spec.For = &metav1.Duration{Duration: 24 * time.Hour}
		}},
		"Empty": {
			reason: "what is required is asked for all at once",
			change: func(m *issues.IssueMonitor) { m.Spec = issues.IssueMonitorSpec{Mode: issues.ModeState} },
			want: []string{
				"spec.resource.version", "spec.resource.kind", "spec.failing",
				"spec.issue.type", "spec.issue.severity", "spec.issue.title",
			},
		},
		"Expressions": {
			reason: "every bad expression is told, in whatever field",
			change: func(m *issues.IssueMonitor) { m.Spec.Failing, m.Spec.Issue.Title, m.Spec.Issue.Key = "x", "1", "(" },
			want:   []string{"spec.failing", "spec.issue.title", "spec.issue.key"},
		},
		"TooLong": {
			reason: "an expression has one error for its length",
			change: func(m *issues.IssueMonitor) { m.Spec.Failing = strings.Repeat("x", 4097) },
			want:   []string{"spec.failing"},
		},
		"Run": {
			reason: "runs cannot be ordered by when they were seen",
			change: func(m *issues.IssueMonitor) { m.Spec.Mode = issues.ModeRun },
			want:   []string{"spec.observedAt"},
		},
		"OrderedRun": {reason: "they can by when they ended", change: func(m *issues.IssueMonitor) {
			m.Spec.Mode, m.Spec.ObservedAt = issues.ModeRun, "object.status.completionTime"
		}},
		"Mode": {
			reason: "there are two",
			change: func(m *issues.IssueMonitor) { m.Spec.Mode = "Guess" },
			want:   []string{"spec.mode"},
		},
		"Waits": {
			reason: "a run does not change any more",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Mode, m.Spec.ObservedAt = issues.ModeRun, `"2026-03-01T12:00:00Z"`
				m.Spec.For = &metav1.Duration{Duration: time.Minute}
				m.Spec.RecoveredFor = &metav1.Duration{Duration: time.Minute}
			},
			want: []string{"spec.for", "spec.recoveredFor"},
		},
		"Expires": {
			reason: "what fails without a break is told once, and must not end before it recovers",
			change: func(m *issues.IssueMonitor) { m.Spec.Issue.ExpiresAfter = &metav1.Duration{Duration: time.Hour} },
			want:   []string{"spec.issue.expiresAfter"},
		},
		"ExpiringRun": {reason: "a run may have no successor", change: func(m *issues.IssueMonitor) {
			m.Spec.Mode, m.Spec.ObservedAt = issues.ModeRun, "object.status.completionTime"
			m.Spec.Issue.ExpiresAfter = &metav1.Duration{Duration: time.Hour}
		}},
		"RecoveredForLong": {
			reason: "a wait is bounded",
			change: func(m *issues.IssueMonitor) { m.Spec.RecoveredFor = &metav1.Duration{Duration: 25 * time.Hour} },
			want:   []string{"spec.recoveredFor"},
		},
		"Table": {
			reason: "rows are bounded, and have names of their own",
			change: func(m *issues.IssueMonitor) {
				wide := map[string]string{}
				for i := range 17 {
					wide[strings.Repeat("x", i+1)] = ""
				}
				m.Spec.Table = []issues.MonitorRow{
					{Name: "a", Values: map[string]string{"newest": "0.2"}},
					{Name: "a"},
					{Name: "wide", Values: wide},
					{Name: "long", Values: map[string]string{"": "", "x": strings.Repeat("x", 2049)}},
				}
			},
			want: []string{"spec.table[1]", "spec.table[2].values", "spec.table[3].values", "spec.table[3].values[x]"},
		},
		"Secrets": {
			reason: "nobody shows credentials in issues",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Resource = issues.MonitoredResource{Version: "v1", Kind: "Secret", Resource: "secrets"}
			},
			want: []string{"spec.resource.resource"},
		},
		"SecretsInDisguise": {
			reason: "the plural is what is watched, whatever the kind says",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Resource = issues.MonitoredResource{Version: "v1", Kind: "ConfigMap", Resource: "secrets"}
			},
			want: []string{"spec.resource.resource"},
		},
		"Everything": {
			reason: "a right to everything is not asked for",
			change: func(m *issues.IssueMonitor) { m.Spec.Resource.Group, m.Spec.Resource.Resource = "*", "*" },
			want:   []string{"spec.resource.group", "spec.resource.resource"},
		},
		"Subresource": {
			reason: "subresources cannot be watched",
			change: func(m *issues.IssueMonitor) { m.Spec.Resource.Resource = "jobs/status" },
			want:   []string{"spec.resource.resource"},
		},
		"Loop": {
			reason: "an issue about issues would never end",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Resource = issues.MonitoredResource{Group: issues.GroupName, Version: "v1alpha1", Kind: "Issue", Resource: "issues"}
			},
			want: []string{"spec.resource.group"},
		},
		"OwnNamespace": {
			reason: "Kite's own namespace holds its credentials",
			change: func(m *issues.IssueMonitor) { m.Namespace = "kite-system" },
			want:   []string{"metadata.namespace"},
		},
		"OtherNamespaces": {
			reason: "a monitor of a namespace reaches no other",
			change: func(m *issues.IssueMonitor) { m.Spec.Resource.NamespaceSelector = &metav1.LabelSelector{} },
			want:   []string{"spec.resource.namespaceSelector"},
		},
		"Selectors": {
			reason: "a selector that selects nothing by mistake is refused",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Resource.LabelSelector = &metav1.LabelSelector{
					MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: "Is"}},
				}
				m.Spec.Resource.FieldSelector = "status.failed"
			},
			want: []string{"spec.resource.labelSelector.matchExpressions[0].operator", "spec.resource.fieldSelector"},
		},
		"Times": {
			reason: "waiting for ever is a mistake",
			change: func(m *issues.IssueMonitor) {
				m.Spec.For = &metav1.Duration{Duration: 25 * time.Hour}
			},
			want: []string{"spec.for"},
		},
		"ExpiresAtOnce": {
			reason: "what expires at once is nothing",
			change: func(m *issues.IssueMonitor) {
				m.Spec.Mode, m.Spec.ObservedAt = issues.ModeRun, "object.status.completionTime"
				m.Spec.Issue.ExpiresAfter = &metav1.Duration{}
			},
			want: []string{"spec.issue.expiresAfter"},
		},
		"Literals": {
			reason: "type and severity are as those of issues",
			change: func(m *issues.IssueMonitor) { m.Spec.Issue.Type, m.Spec.Issue.Severity = "Run Time", "fatal" },
			want:   []string{"spec.issue.type", "spec.issue.severity"},
		},
		"Links": {
			reason: "the number of links is bounded",
			change: func(m *issues.IssueMonitor) {
				for range 17 {
					m.Spec.Issue.Links = append(m.Spec.Issue.Links, issues.LinkTemplate{Title: `"a"`, URL: `"b"`, Kind: issues.LinkOther})
				}
			},
			want: []string{"spec.issue.links"},
		},
		"Nul": {
			reason: "PostgreSQL cannot hold it",
			change: func(m *issues.IssueMonitor) { m.Spec.Ignore = "object.a == \"\x00\"" },
			want:   []string{"spec.ignore"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := validateMonitor(t, newMonitor(tc.change))
			require.ElementsMatch(t, tc.want, paths(errs), "%s: %v", tc.reason, errs)
		})
	}
}

func TestValidateClusterIssueMonitor(t *testing.T) {
	t.Parallel()
	monitor := clusterMonitor(newMonitor(func(m *issues.IssueMonitor) {
		m.Spec.Resource.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"tenant": "true"}}
	}))
	require.Empty(t, withMarkers(t, monitor, nil, "", validation.ValidateClusterIssueMonitor(monitor)))

	monitor.Spec.Resource.NamespaceSelector.MatchLabels = map[string]string{"tenant": "not a value"}
	monitor.Spec.Failing = "1"
	errs := withMarkers(t, monitor, nil, "", validation.ValidateClusterIssueMonitor(monitor))
	require.ElementsMatch(t, []string{"spec.resource.namespaceSelector.matchLabels", "spec.failing"}, paths(errs))
}

// TestValidateMonitorUpdate: what an older version let in does not stand in the way of
// labels and finalizers, but is not left in a spec that changes.
func TestValidateMonitorUpdate(t *testing.T) {
	t.Parallel()
	old := newMonitor(func(m *issues.IssueMonitor) { m.Spec.Failing = "gone(object)" })
	labelled := old.DeepCopy()
	labelled.Labels = map[string]string{"a": "b"}
	changed := old.DeepCopy()
	changed.Spec.Issue.Severity = issues.SeverityMinor

	require.Empty(t, validation.ValidateIssueMonitorUpdate(labelled, old))
	require.Equal(t, []string{"spec.failing"}, paths(validation.ValidateIssueMonitorUpdate(changed, old)))
	require.Empty(t, validation.ValidateClusterIssueMonitorUpdate(clusterMonitor(labelled), clusterMonitor(old)))
	require.Equal(t, []string{"spec.failing"}, paths(validation.ValidateClusterIssueMonitorUpdate(clusterMonitor(changed), clusterMonitor(old))))
}

func TestValidateMonitorStatus(t *testing.T) {
	t.Parallel()
	status := &issues.IssueMonitorStatus{
		LastError:  &issues.MonitorError{Message: "a\x00b"},
		Conditions: []metav1.Condition{{Type: "Watching"}},
	}
	errs := paths(validation.ValidateMonitorStatus(status, field.NewPath("status")))
	require.Contains(t, errs, "status.lastError.message")
	require.Contains(t, errs, "status.conditions[0].status")
}
