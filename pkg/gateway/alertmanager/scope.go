// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"k8s.io/apimachinery/pkg/util/validation"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
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

// scopeOf is the subject or the workload that an alert is about; else the namespace. An exporter that is not
// believed may name a workload of another namespace: two of one name are two problems.
func scopeOf(l labels, namespace string, subject *configv1alpha1.AlertSubject) issuesv1alpha1.IssueScope {
	scope := subjectOf(l, subject)
	switch pod := l.pod(namespace); {
	case scope.Name == "" && pod == "":
		return workload.ScopeOf("", "Namespace", namespace)
	case scope.Name == "":
		scope = workload.ScopeOf("", "Pod", pod)
		if l.exported("pod") == "" {
			return scope // its own
		}
	}
	if exported := l.exported("namespace"); exported != namespace && isNamespace(exported) {
		scope.Namespace = exported
	}
	return scope
}

// subjectOf is what a symptom's rule says that its alerts are about; else the workload.
func subjectOf(l labels, subject *configv1alpha1.AlertSubject) issuesv1alpha1.IssueScope {
	if subject != nil && l.of(subject.Label) != "" {
		return issuesv1alpha1.IssueScope{APIGroup: subject.APIGroup, Kind: subject.Kind, Name: l.of(subject.Label)}
	}
	return workloadOf(l)
}

// workloadOf is what labels name that targets do not have. The label job is Prometheus' own
// and names no Job.
func workloadOf(l labels) issuesv1alpha1.IssueScope {
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
	return issuesv1alpha1.IssueScope{}
}

func isNamespace(name string) bool { return len(validation.IsDNS1123Label(name)) == 0 }
