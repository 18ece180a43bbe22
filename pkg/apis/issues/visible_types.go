// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VisibleIssue shows an Issue of a namespace in which the caller may list issues.
// It is made for the answer, and cannot be written.
type VisibleIssue struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Issue  VisibleIssueSource
	Spec   IssueSpec
	Status IssueStatus
}

// VisibleIssueSource names the issue that a VisibleIssue shows.
type VisibleIssueSource struct {
	Namespace string
	Name      string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// VisibleIssueList is a list of the issues that the caller may list.
type VisibleIssueList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []VisibleIssue
}
