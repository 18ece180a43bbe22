// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list,watch
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VisibleIssue shows an Issue of a namespace in which the caller may list issues.
// It is made for the answer, and cannot be written.
type VisibleIssue struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the issue's, but for the name, which is
	// <namespace>.<name of the issue>, and for namespace, managedFields,
	// finalizers and ownerReferences, which are left out.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// issue is where the issue itself is found.
	// +required
	Issue VisibleIssueSource `json:"issue"`

	// spec is the issue's.
	// +optional
	// +k8s:opaqueType
	Spec IssueSpec `json:"spec,omitempty"`

	// status is the issue's.
	// +optional
	// +k8s:opaqueType
	Status IssueStatus `json:"status,omitempty"`
}

// VisibleIssueSource names the issue that a VisibleIssue shows.
type VisibleIssueSource struct {
	// namespace of the issue.
	// +required
	// +k8s:required
	Namespace string `json:"namespace"`

	// name of the issue.
	// +required
	// +k8s:required
	Name string `json:"name"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VisibleIssueList is a list of the issues that the caller may list.
type VisibleIssueList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the issues.
	Items []VisibleIssue `json:"items"`
}
