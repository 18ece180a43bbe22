// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway/workload"
)

// kinds are labels that name a workload, the one that owns the others first.
var kinds = []struct{ label, kind string }{
	{"deployment", "Deployment"},
	{"statefulset", "StatefulSet"},
	{"daemonset", "DaemonSet"},
	{"cronjob", "CronJob"},
	{"job_name", "Job"},
	{"horizontalpodautoscaler", "HorizontalPodAutoscaler"},
	{"persistentvolumeclaim", "PersistentVolumeClaim"},
	{"replicaset", "ReplicaSet"},
}

// owners are pairs of labels for a kind and a name, as recording rules join them.
var owners = []struct{ kind, name string }{
	{"workload_type", "workload"},
	{"owner_kind", "owner_name"},
	{"created_by_kind", "created_by_name"},
}

// ownerKinds are those that owners may name, in the forms in which they do.
var ownerKinds = map[string]string{
	"deployment": "Deployment", "Deployment": "Deployment", "statefulset": "StatefulSet", "StatefulSet": "StatefulSet",
	"daemonset": "DaemonSet", "DaemonSet": "DaemonSet", "cronjob": "CronJob", "CronJob": "CronJob", "job": "Job", "Job": "Job",
	"replicaset": "ReplicaSet", "ReplicaSet": "ReplicaSet", "pod": "Pod", "Pod": "Pod",
}

// scopeOf is the workload that an alert is about; else the namespace. The label job is
// Prometheus' own and names no Job.
func scopeOf(l labels, namespace string) issuesv1alpha1.IssueScope {
	for _, by := range owners {
		if kind, name := ownerKinds[l.of(by.kind)], l.of(by.name); kind != "" && name != "" {
			return workload.ScopeOf("", kind, name)
		}
	}
	for _, by := range kinds {
		if name := l.of(by.label); name != "" {
			return workload.ScopeOf("", by.kind, name)
		}
	}
	if pod := l.ofTarget("pod"); pod != "" {
		return workload.ScopeOf("", "Pod", pod)
	}
	return workload.ScopeOf("", "Namespace", namespace)
}
