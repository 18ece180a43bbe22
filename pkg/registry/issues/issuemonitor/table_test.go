// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
)

func TestTable(t *testing.T) {
	t.Parallel()
	watching := newMonitor(func(m *issues.IssueMonitor) { m.Status = watchingStatus(metav1.ConditionTrue, issues.ReasonWatching) })
	missing := newMonitor(func(m *issues.IssueMonitor) {
		m.Status = watchingStatus(metav1.ConditionFalse, issues.ReasonRightMissing)
		m.Status.LastError = &issues.MonitorError{Namespace: "team-gamma", Name: "backup", Field: "spec.failing", Message: "no such key: phase"}
		m.Status.Conditions = append(m.Status.Conditions, metav1.Condition{
			Type: issues.ConditionEvaluated, Status: metav1.ConditionFalse, Reason: issues.ReasonExpressionFailed,
		})
	})
	fresh := newMonitor(func(m *issues.IssueMonitor) { m.CreationTimestamp = metav1.Time{} })
	remaining := int64(3)
	meta := metav1.ListMeta{ResourceVersion: "12", Continue: "more", RemainingItemCount: &remaining}
	rows := [][]any{
		{"jobs", "Job", "runtime", "major", "True", "<unknown>", int64(12), int64(2), "3h", "batch/v1", int64(1), ""},
		{"jobs", "Job", "runtime", "major", "RightMissing", "ExpressionFailed", int64(12), int64(2), "3h", "batch/v1", int64(1), "team-gamma/backup spec.failing: no such key: phase"},
		{"jobs", "Job", "runtime", "major", "<unknown>", "<unknown>", int64(0), int64(0), "<unknown>", "batch/v1", int64(0), ""},
	}
	cluster := newClusterMonitor()
	cluster.Status = watching.Status

	cases := map[string]struct {
		reason string
		obj    runtime.Object
		meta   metav1.ListMeta
		rows   [][]any
	}{
		"List":        {"each monitor has a row", &issues.IssueMonitorList{ListMeta: meta, Items: []issues.IssueMonitor{*watching, *missing, *fresh}}, meta, rows},
		"ClusterList": {"both kinds look the same", &issues.ClusterIssueMonitorList{ListMeta: meta, Items: []issues.ClusterIssueMonitor{*cluster}}, meta, rows[:1]},
		"One":         {"as in a watch", watching, metav1.ListMeta{ResourceVersion: "7"}, rows[:1]},
		"ClusterOne":  {"as in a watch", cluster, metav1.ListMeta{ResourceVersion: "7"}, rows[:1]},
	}
	convertor := tableConvertor{clocktesting.NewFakePassiveClock(testTime)}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := convertor.ConvertToTable(t.Context(), tc.obj, nil)
			require.NoError(t, err)
			require.Equal(t, tc.meta, table.ListMeta, tc.reason)
			got := [][]any{}
			for _, r := range table.Rows {
				require.Len(t, r.Cells, len(table.ColumnDefinitions))
				require.NotNil(t, r.Object.Object, "kubectl needs the object's metadata")
				got = append(got, r.Cells)
			}
			require.Equal(t, tc.rows, got, tc.reason)
		})
	}

	bare, err := convertor.ConvertToTable(t.Context(), watching, &metav1.TableOptions{NoHeaders: true})
	require.NoError(t, err)
	require.Empty(t, bare.ColumnDefinitions)
	_, err = convertor.ConvertToTable(t.Context(), &issues.Issue{}, nil)
	require.ErrorContains(t, err, "want monitors")
}
