// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the name of the API group.
const GroupName = "issues.kite.dev"

// SchemeGroupVersion is the group and version of the kinds in this package.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

var (
	// SchemeBuilder collects what AddToScheme registers: the kinds, their
	// field labels and the generated defaults, conversions and validations.
	SchemeBuilder      runtime.SchemeBuilder
	localSchemeBuilder = &SchemeBuilder
	// AddToScheme registers this version with a scheme. Clients need it and
	// nothing else of the API packages.
	AddToScheme = localSchemeBuilder.AddToScheme
)

// Only functions written by hand are registered here. The generated files
// register their own, so that this package compiles without them.
func init() {
	localSchemeBuilder.Register(addKnownTypes, addFieldLabels, RegisterDefaults)
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
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}

// Resource qualifies a resource name with the group.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}
