// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueResolution is what a person sends to an issue's resolve subresource.
// The answer is the Issue. Resolving a Resolved issue changes nothing.
type IssueResolution struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Reason  string
	Message string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueReopening is what a person sends to an issue's reopen subresource. The
// answer is the Issue. Reopening an Active issue changes nothing.
type IssueReopening struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueAcknowledgement is what a person sends to an issue's acknowledge
// subresource. The answer is the Issue. It replaces an earlier
// acknowledgement; a Resolved issue cannot be acknowledged.
type IssueAcknowledgement struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Note  string
	Until *metav1.Time
}
