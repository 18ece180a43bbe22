// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
)

const testNamespace = "team-gamma"

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func testStrategy(namespaced bool) strategy {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return newStrategy(scheme, namespaced)
}

func newMonitor(edit ...func(*issues.IssueMonitor)) *issues.IssueMonitor {
	out := &issues.IssueMonitor{
		ObjectMeta: metav1.ObjectMeta{
			Name: "jobs", Namespace: testNamespace, Generation: 3, ResourceVersion: "7", UID: "m1",
			CreationTimestamp: metav1.NewTime(testTime.Add(-3 * time.Hour)),
		},
		Spec: issues.IssueMonitorSpec{
			Resource: issues.MonitoredResource{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs"},
			Failing:  "object.status.failed > 0",
			Issue:    issues.IssueTemplate{Type: issues.TypeRuntime, Severity: issues.SeverityMajor, Title: `"failed"`},
		},
	}
	for _, f := range edit {
		f(out)
	}
	return out
}

func newClusterMonitor() *issues.ClusterIssueMonitor {
	namespaced := newMonitor()
	out := &issues.ClusterIssueMonitor{ObjectMeta: namespaced.ObjectMeta, Spec: namespaced.Spec}
	out.Namespace = ""
	return out
}

func watchingStatus(status metav1.ConditionStatus, reason string) issues.IssueMonitorStatus {
	return issues.IssueMonitorStatus{
		ObservedGeneration: 3, Watched: 12, Failing: 2, Pending: 1,
		Conditions: []metav1.Condition{{
			Type: issues.ConditionWatching, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(testTime),
		}},
	}
}
