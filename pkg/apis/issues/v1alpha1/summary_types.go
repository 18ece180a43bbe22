// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IssueSummaryName is the name of a namespace's one IssueSummary.
const IssueSummaryName = "summary"

// +genclient
// +genclient:onlyVerbs=get,list
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueSummary holds the numbers of a namespace's issues. It is counted when it
// is read, and cannot be written.
type IssueSummary struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata names the namespace. The name is always summary.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status holds the numbers.
	// +optional
	// +k8s:opaqueType
	Status IssueSummaryStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueSummaryList is a list of summaries, one for each namespace.
type IssueSummaryList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the summaries.
	Items []IssueSummary `json:"items"`
}

// IssueSummaryStatus holds the numbers of a namespace. Days and weeks are those
// of UTC; weeks begin on Monday.
type IssueSummaryStatus struct {
	// observedAt is when the numbers were true.
	// +optional
	// +k8s:opaqueType
	ObservedAt metav1.MicroTime `json:"observedAt,omitempty"`

	// active counts the issues that are Active.
	// +optional
	Active ActiveIssues `json:"active,omitempty"`

	// resolvedLastDay counts how often issues were resolved, or deleted while
	// Active, in the last 24 hours.
	// +optional
	ResolvedLastDay int64 `json:"resolvedLastDay,omitempty"`

	// timeToResolve tells how long the issues were Active that were resolved
	// on the days of days.
	// +optional
	TimeToResolve TimeToResolve `json:"timeToResolve,omitempty"`

	// mostReopened are the issues that were reopened most often, at most 10.
	// +optional
	// +listType=map
	// +listMapKey=name
	MostReopened []ReopenedIssue `json:"mostReopened,omitempty"`

	// days tells what was opened and resolved on each of the last 30 days,
	// oldest first. Today is the last one.
	// +optional
	// +listType=atomic
	Days []IssueTrend `json:"days,omitempty"`

	// weeks tells what was opened and resolved in each week of the last 13
	// months, oldest first. This week is the last one.
	// +optional
	// +listType=atomic
	Weeks []IssueTrend `json:"weeks,omitempty"`

	// producers are those who report, newest report first, at most 100: no
	// issues and no producers means that nobody would tell.
	// +optional
	// +listType=map
	// +listMapKey=name
	Producers []IssueProducer `json:"producers,omitempty"`
}

// ActiveIssues counts Active issues. Values with more issues come first.
type ActiveIssues struct {
	// total counts all of them.
	Total int64 `json:"total"`

	// severities counts them by spec.severity.
	// +optional
	// +listType=map
	// +listMapKey=value
	Severities []IssueCount `json:"severities,omitempty"`

	// types counts them by spec.type. At most 100 types.
	// +optional
	// +listType=map
	// +listMapKey=value
	Types []IssueCount `json:"types,omitempty"`

	// applications counts them by spec.application, where it is set. At most
	// 100 applications.
	// +optional
	// +listType=map
	// +listMapKey=value
	Applications []IssueCount `json:"applications,omitempty"`

	// components counts them by spec.component, where it is set. At most 100
	// components.
	// +optional
	// +listType=map
	// +listMapKey=value
	Components []IssueCount `json:"components,omitempty"`
}

// IssueCount counts the issues that have a value.
type IssueCount struct {
	// value of the field.
	Value string `json:"value"`

	// count of issues.
	Count int64 `json:"count"`
}

// IssueTrend tells what happened in a day or a week.
type IssueTrend struct {
	// start of the day or week.
	// +k8s:opaqueType
	Start metav1.Time `json:"start"`

	// opened counts how often an issue became Active.
	Opened int64 `json:"opened"`

	// resolved counts how often an issue was resolved, or deleted while
	// Active.
	Resolved int64 `json:"resolved"`
}

// TimeToResolve tells how long issues were Active.
type TimeToResolve struct {
	// count of the times that an issue was resolved, or deleted while Active.
	Count int64 `json:"count"`

	// mean of their durations. Absent when there is none.
	// +optional
	// +k8s:opaqueType
	Mean *metav1.Duration `json:"mean,omitempty"`

	// p90 is a duration that nine of ten did not exceed. Absent when there is
	// none.
	// +optional
	// +k8s:opaqueType
	P90 *metav1.Duration `json:"p90,omitempty"`
}

// ReopenedIssue is an issue that was Active more than once.
type ReopenedIssue struct {
	// name of the issue.
	Name string `json:"name"`

	// reopened counts how often it became Active again.
	Reopened int64 `json:"reopened"`
}

// IssueProducer is a user who reports.
type IssueProducer struct {
	// name of the user.
	Name string `json:"name"`

	// lastReport is when the user's newest report came, to about a minute.
	// +k8s:opaqueType
	LastReport metav1.Time `json:"lastReport"`
}
