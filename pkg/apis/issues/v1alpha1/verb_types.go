// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:isSubresource="/resolve"

// IssueResolution is what a person sends to an issue's resolve subresource.
// The answer is the Issue. Resolving a Resolved issue changes nothing.
type IssueResolution struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. Its name and its
	// resourceVersion, when given, must be the issue's. Another resourceVersion
	// is answered with 409: the issue has changed.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// reason says in CamelCase why the problem is over. Defaults to
	// ResolvedByUser. At most 128 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	Reason string `json:"reason,omitempty"`

	// message explains it to people. It becomes the message of the condition
	// Resolved. At most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Message string `json:"message,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:isSubresource="/reopen"

// IssueReopening is what a person sends to an issue's reopen subresource. The
// answer is the Issue. Reopening an Active issue changes nothing.
type IssueReopening struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. Its name and its
	// resourceVersion, when given, must be the issue's. Another resourceVersion
	// is answered with 409: the issue has changed.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:isSubresource="/acknowledge"

// IssueAcknowledgement is what a person sends to an issue's acknowledge
// subresource. The answer is the Issue. It replaces an earlier
// acknowledgement; a Resolved issue cannot be acknowledged.
type IssueAcknowledgement struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. Its name and its
	// resourceVersion, when given, must be the issue's. Another resourceVersion
	// is answered with 409: the issue has changed.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// note is for others to read. At most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Note string `json:"note,omitempty"`

	// until is when the acknowledgement ends: in the future, at most 90 days
	// ahead. Defaults to 90 days ahead.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Until *metav1.Time `json:"until,omitempty"`
}
