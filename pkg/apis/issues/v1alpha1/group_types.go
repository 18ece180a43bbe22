// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroup is everything that shares a spec.groupKey: the issues of one cause
// in many namespaces. It is computed when it is asked for and never stored. To
// follow a group, watch issues in all namespaces from its resourceVersion on.
type IssueGroup struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata has the group's key as its name, which may have upper-case
	// letters and '_', and as its resourceVersion the one of the issues that
	// it shows.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is what the members say together.
	// +optional
	// +k8s:opaqueType
	Status IssueGroupStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroupList is a list of groups, in the order of their keys.
type IssueGroupList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the groups, without description, links and members: those are
	// in the answer to a get.
	Items []IssueGroup `json:"items"`
}

// IssueGroupStatus is what the members of a group say together. An issue's
// subresource group has state and counts only, of causes only those that occur
// in the issue's own namespace, and of nobody else's issues any content.
type IssueGroupStatus struct {
	// state is Resolved when no member is Active.
	// +optional
	// +k8s:opaqueType
	State IssueState `json:"state,omitempty"`

	// title is the one of the leading member: an Active one before a Resolved
	// one, the worst, and of those the oldest.
	// +optional
	Title string `json:"title,omitempty"`

	// description is the leading member's.
	// +optional
	Description string `json:"description,omitempty"`

	// severity is the leading member's.
	// +optional
	// +k8s:opaqueType
	Severity IssueSeverity `json:"severity,omitempty"`

	// links are the leading member's.
	// +optional
	// +listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	Links []IssueLink `json:"links,omitempty"`

	// active is the number of Active members.
	// +required
	Active int32 `json:"active"`

	// total is the number of members, Resolved ones included for as long as
	// they are kept.
	// +required
	Total int32 `json:"total"`

	// components is the number of components that members name, each counted
	// once in its namespace.
	// +required
	Components int32 `json:"components"`

	// namespaces is the number of namespaces that have members.
	// +required
	Namespaces int32 `json:"namespaces"`

	// causes counts the members of each cause, most Active ones first. At most
	// 100.
	// +optional
	// +listType=map
	// +listMapKey=cause
	Causes []IssueGroupCause `json:"causes,omitempty"`

	// otherCauses counts the members whose cause is not in causes, those
	// without a cause included.
	// +optional
	OtherCauses *IssueGroupCount `json:"otherCauses,omitempty"`

	// firstSeen is the time of the oldest failure of any member.
	// +optional
	// +k8s:opaqueType
	FirstSeen *metav1.MicroTime `json:"firstSeen,omitempty"`

	// lastSeen is the time of the newest failure of any member.
	// +optional
	// +k8s:opaqueType
	LastSeen *metav1.MicroTime `json:"lastSeen,omitempty"`

	// members are the issues, by namespace; in a namespace those that come
	// first would lead the group. At most 500 are listed, and at most 100 of
	// one namespace: namespaces with few members are listed whole.
	// +optional
	// +listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	Members []IssueGroupMember `json:"members,omitempty"`

	// truncated says that there are more members than are listed.
	// +optional
	Truncated bool `json:"truncated,omitempty"`

	// activePerDay says for the last 90 days how many members were Active when
	// the day ended, in UTC; the last one is today, which has not ended. Issues
	// that are no longer kept count, too, unless they are stored encrypted.
	// +optional
	// +listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	ActivePerDay []IssueGroupDay `json:"activePerDay,omitempty"`
}

// IssueGroupDay says how many members of a group were Active on a day.
type IssueGroupDay struct {
	// day is a date such as 2026-03-02, in UTC.
	// +required
	Day string `json:"day"`

	// active is the number of Active members.
	// +required
	Active int32 `json:"active"`
}

// IssueGroupCount counts members of a group.
type IssueGroupCount struct {
	// active is the number of Active members.
	// +required
	Active int32 `json:"active"`

	// total is the number of members.
	// +required
	Total int32 `json:"total"`
}

// IssueGroupCause counts the members of a group that have one cause.
type IssueGroupCause struct {
	// cause is the members' spec.cause.
	// +required
	Cause string `json:"cause"`

	// active is the number of Active members.
	// +required
	Active int32 `json:"active"`

	// total is the number of members.
	// +required
	Total int32 `json:"total"`

	// help is the address of a page that tells how to mend the cause: the
	// first link of kind Documentation of the member that comes first.
	// +optional
	Help string `json:"help,omitempty"`
}

// IssueGroupMember is an issue of a group.
type IssueGroupMember struct {
	// namespace of the issue.
	// +required
	Namespace string `json:"namespace"`

	// name of the issue.
	// +required
	Name string `json:"name"`

	// component is the issue's spec.component.
	// +optional
	Component string `json:"component,omitempty"`

	// state is Active or Resolved.
	// +optional
	// +k8s:opaqueType
	State IssueState `json:"state,omitempty"`

	// severity is the issue's.
	// +optional
	// +k8s:opaqueType
	Severity IssueSeverity `json:"severity,omitempty"`

	// cause is the issue's spec.cause.
	// +optional
	Cause string `json:"cause,omitempty"`

	// since is when the issue last became Active.
	// +optional
	// +k8s:opaqueType
	Since *metav1.MicroTime `json:"since,omitempty"`

	// resolvedAt is when the issue was resolved; absent while it is Active.
	// +optional
	// +k8s:opaqueType
	ResolvedAt *metav1.MicroTime `json:"resolvedAt,omitempty"`

	// log is the address of the newest failure's log, or else of its run.
	// +optional
	Log string `json:"log,omitempty"`
}

// +genclient
// +genclient:nonNamespaced
// +genclient:onlyVerbs=create
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueGroupReport is the observation that the cause which the members of a
// group share is gone: it resolves every Active member, in every namespace. It
// is answered with what it did and is never stored. Sending it again completes
// what an error or a time-out left.
type IssueGroupReport struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. A report needs no name.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the observation.
	// +optional
	Spec IssueGroupReportSpec `json:"spec,omitempty"`

	// status is the server's answer.
	// +optional
	// +k8s:opaqueType
	Status IssueGroupReportStatus `json:"status,omitempty"`
}

// IssueGroupReportSpec is an observation about a whole group.
type IssueGroupReportSpec struct {
	// groupKey names the group. At most 253 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=253
	GroupKey string `json:"groupKey"`

	// outcome is Succeeded. Failures are reported for each issue.
	// +required
	// +k8s:required
	Outcome Outcome `json:"outcome"`

	// observedAt is when the cause was seen to be gone. A member that failed
	// later stays Active. It may be at most 5 minutes ahead of the server's
	// clock.
	// +required
	// +k8s:required
	// +k8s:opaqueType
	ObservedAt *metav1.MicroTime `json:"observedAt"`

	// reason says in CamelCase why the members are resolved, such as
	// LibraryFixed. Defaults to Succeeded. At most 128 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	Reason string `json:"reason,omitempty"`
}

// IssueGroupReportStatus is the server's answer to a group's report.
type IssueGroupReportStatus struct {
	// result is Resolved when the report resolved a member, else Stale when a
	// member failed later than the report's observedAt, else Unchanged.
	// +optional
	// +k8s:opaqueType
	Result ReportResult `json:"result,omitempty"`

	// resolved is the number of members that the report resolved, or in a dry
	// run would resolve.
	// +required
	Resolved int32 `json:"resolved"`

	// stale is the number of members that stay Active, because they failed
	// later than the report's observedAt.
	// +required
	Stale int32 `json:"stale"`
}
