// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the name of the API group.
const GroupName = "issues.kite.dev"

// SchemeGroupVersion is the group and version of the kinds in this package.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: runtime.APIVersionInternal}

var (
	// SchemeBuilder collects what AddToScheme registers.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme registers the internal version with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kind qualifies a kind with the group.
func Kind(kind string) schema.GroupKind {
	return SchemeGroupVersion.WithKind(kind).GroupKind()
}

// Resource qualifies a resource name with the group.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&Issue{},
		&IssueList{},
		&IssueReport{},
		&IssueResolution{},
		&IssueReopening{},
		&IssueAcknowledgement{},
		&IssueGroup{},
		&IssueGroupList{},
		&IssueGroupReport{},
		&IssueSummary{},
		&IssueSummaryList{},
		&IssueMonitor{},
		&IssueMonitorList{},
		&ClusterIssueMonitor{},
		&ClusterIssueMonitorList{},
		&IssueWebhook{},
		&IssueWebhookList{},
		&VisibleIssue{},
		&VisibleIssueList{},
	)
	return nil
}
