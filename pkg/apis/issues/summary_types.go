// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IssueSummaryName is the name of a namespace's one IssueSummary.
const IssueSummaryName = "summary"

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueSummary holds the numbers of a namespace's issues. It is counted when it
// is read, and cannot be written.
type IssueSummary struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Status IssueSummaryStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueSummaryList is a list of summaries, one for each namespace.
type IssueSummaryList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []IssueSummary
}

// IssueSummaryStatus holds the numbers of a namespace. Days and weeks are those
// of UTC; weeks begin on Monday.
type IssueSummaryStatus struct {
	ObservedAt      metav1.MicroTime
	Active          ActiveIssues
	ResolvedLastDay int64
	TimeToResolve   TimeToResolve
	MostReopened    []ReopenedIssue
	Days            []IssueTrend
	Weeks           []IssueTrend
	Producers       []IssueProducer
}

// ActiveIssues counts Active issues. Values with more issues come first.
type ActiveIssues struct {
	Total        int64
	Severities   []IssueCount
	Types        []IssueCount
	Applications []IssueCount
	Components   []IssueCount
}

// IssueCount counts the issues that have a value.
type IssueCount struct {
	Value string
	Count int64
}

// IssueTrend tells what happened in a day or a week.
type IssueTrend struct {
	Start    metav1.Time
	Opened   int64
	Resolved int64
}

// TimeToResolve tells how long issues were Active.
type TimeToResolve struct {
	Count int64
	Mean  *metav1.Duration
	P90   *metav1.Duration
}

// ReopenedIssue is an issue that was Active more than once.
type ReopenedIssue struct {
	Name     string
	Reopened int64
}

// IssueProducer is a user who reports.
type IssueProducer struct {
	Name       string
	LastReport metav1.Time
}
