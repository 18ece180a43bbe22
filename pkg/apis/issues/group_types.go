// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroup is everything that shares a spec.groupKey: the issues of one cause
// in many namespaces. It is computed when it is asked for and never stored. To
// follow a group, watch issues in all namespaces from its resourceVersion on.
type IssueGroup struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Status IssueGroupStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroupList is a list of groups, in the order of their keys.
type IssueGroupList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []IssueGroup
}

// IssueGroupStatus is what the members of a group say together. An issue's
// subresource group has state and counts only, of causes only those that occur
// in the issue's own namespace, and of nobody else's issues any content.
type IssueGroupStatus struct {
	State        IssueState
	Title        string
	Description  string
	Severity     IssueSeverity
	Links        []IssueLink
	Active       int32
	Total        int32
	Components   int32
	Namespaces   int32
	Causes       []IssueGroupCause
	OtherCauses  *IssueGroupCount
	FirstSeen    *metav1.MicroTime
	LastSeen     *metav1.MicroTime
	Members      []IssueGroupMember
	Truncated    bool
	ActivePerDay []IssueGroupDay
}

// IssueGroupDay says how many members of a group were Active on a day.
type IssueGroupDay struct {
	Day    string
	Active int32
}

// IssueGroupCount counts members of a group.
type IssueGroupCount struct {
	Active int32
	Total  int32
}

// IssueGroupCause counts the members of a group that have one cause.
type IssueGroupCause struct {
	Cause  string
	Active int32
	Total  int32
	Help   string
}

// IssueGroupMember is an issue of a group.
type IssueGroupMember struct {
	Namespace  string
	Name       string
	Component  string
	State      IssueState
	Severity   IssueSeverity
	Cause      string
	Since      *metav1.MicroTime
	ResolvedAt *metav1.MicroTime
	Log        string
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroupReport is the observation that the cause which the members of a
// group share is gone: it resolves every Active member, in every namespace. It
// is answered with what it did and is never stored. Sending it again completes
// what an error or a time-out left.
type IssueGroupReport struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueGroupReportSpec
	Status IssueGroupReportStatus
}

// IssueGroupReportSpec is an observation about a whole group.
type IssueGroupReportSpec struct {
	GroupKey   string
	Outcome    Outcome
	ObservedAt *metav1.MicroTime
	Reason     string
}

// IssueGroupReportStatus is the server's answer to a group's report.
type IssueGroupReportStatus struct {
	Result   ReportResult
	Resolved int32
	Stale    int32
}
