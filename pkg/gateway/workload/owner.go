// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// Kubernetes makes what it adds to names of pods of letters and digits that form no words.
const safe = "[bcdfghjklmnpqrstvwxz2456789]"

var (
	// podOfDeployment is NAME-HASH-RANDOM, podOfReplicaSet the same for a ReplicaSet's name.
	podOfDeployment = regexp.MustCompile("^(.+)-" + safe + "{6,10}-" + safe + "{5}$")
	replicaSet      = regexp.MustCompile("^(.+)-" + safe + "{6,10}$")
	// podOfStatefulSet is NAME-ORDINAL.
	podOfStatefulSet = regexp.MustCompile("^(.+)-(0|[1-9][0-9]{0,3})$")
	// podOfCronJob is NAME-MINUTES-RANDOM.
	podOfCronJob = regexp.MustCompile("^(.+)-[0-9]{8,}-" + safe + "{5}$")
	jobOfCronJob = regexp.MustCompile("^(.+)-[0-9]{8,}$")
	// podOfTaskRun is what Tekton calls them.
	podOfTaskRun = regexp.MustCompile("-pod(-retry[0-9]+)?$")
)

// groups are the API groups of kinds, by their names in lower case.
var groups = map[string]issuesv1alpha1.IssueScope{
	"deployment":              {APIGroup: "apps", Kind: "Deployment"},
	"statefulset":             {APIGroup: "apps", Kind: "StatefulSet"},
	"daemonset":               {APIGroup: "apps", Kind: "DaemonSet"},
	"replicaset":              {APIGroup: "apps", Kind: "ReplicaSet"},
	"cronjob":                 {APIGroup: "batch", Kind: "CronJob"},
	"job":                     {APIGroup: "batch", Kind: "Job"},
	"pod":                     {Kind: "Pod"},
	"persistentvolumeclaim":   {Kind: "PersistentVolumeClaim"},
	"horizontalpodautoscaler": {APIGroup: "autoscaling", Kind: "HorizontalPodAutoscaler"},
	"namespace":               {Kind: "Namespace"},
}

// ScopeOf is the workload that owns a resource, as far as names tell: names stay when
// resources are gone, so that a failure and its recovery name the same. Kinds that are not
// known own themselves.
func ScopeOf(group, kind, name string) issuesv1alpha1.IssueScope {
	switch kind {
	case "Pod":
		if m := podOfCronJob.FindStringSubmatch(name); m != nil {
			return named("cronjob", m[1])
		}
		if m := podOfDeployment.FindStringSubmatch(name); m != nil {
			return named("deployment", m[1])
		}
		if m := podOfStatefulSet.FindStringSubmatch(name); m != nil {
			return named("statefulset", m[1])
		}
	case "ReplicaSet":
		if m := replicaSet.FindStringSubmatch(name); m != nil {
			return named("deployment", m[1])
		}
	case "Job":
		if m := jobOfCronJob.FindStringSubmatch(name); m != nil {
			return named("cronjob", m[1])
		}
	}
	if known, ok := groups[strings.ToLower(kind)]; ok {
		known.Name = name
		return known
	}
	return issuesv1alpha1.IssueScope{APIGroup: group, Kind: kind, Name: name}
}

// kindName is what the API takes for a kind.
var kindName = regexp.MustCompile("^[A-Z][A-Za-z0-9]{0,62}$")

// IsKind says whether a scope can have this group and kind.
func IsKind(group, kind string) bool {
	return kindName.MatchString(kind) && (group == "" || len(validation.IsDNS1123Subdomain(group)) == 0)
}

// IsTaskRuns says whether a pod is by its name one of Tekton's: its failure is that of a
// PipelineRun, which a controller reports.
func IsTaskRuns(kind, name string) bool { return kind == "Pod" && podOfTaskRun.MatchString(name) }

func named(kind, name string) issuesv1alpha1.IssueScope {
	scope := groups[kind]
	scope.Name = name
	return scope
}
