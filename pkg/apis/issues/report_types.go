// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ReportResult says what the server did with a report.
type ReportResult string

const (
	// ResultCreated: the failure opened a new issue.
	ResultCreated ReportResult = "Created"
	// ResultUpdated: the failure was counted for an issue that stays Active.
	ResultUpdated ReportResult = "Updated"
	// ResultReopened: the failure made a Resolved issue Active again.
	ResultReopened ReportResult = "Reopened"
	// ResultResolved: the recovery resolved at least one issue.
	ResultResolved ReportResult = "Resolved"
	// ResultUnchanged: the observation was known, or there was nothing to
	// resolve for this reporter.
	ResultUnchanged ReportResult = "Unchanged"
	// ResultStale: a newer observation of the opposite outcome decides the
	// state. A stale failure is counted, nevertheless.
	ResultStale ReportResult = "Stale"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueReport is a producer's observation. It is answered with what it did and
// is never stored, like a SubjectAccessReview.
type IssueReport struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueReportSpec
	Status IssueReportStatus
}

// IssueReportSpec is an observation: a failure or a recovery.
type IssueReportSpec struct {
	Outcome    Outcome
	ObservedAt *metav1.MicroTime
	Issue      ReportedIssue
	Reason     string
	Run        *IssueRun
	Source     string
	LogExcerpt string
	Affected   []AffectedResource
	AllKeys    bool
	AllTypes   bool
}

// ReportedIssue is what a report says about a problem: the fields of an
// issue's spec. A Failed report needs title, type, severity and scope; a
// Succeeded one type and scope.
type ReportedIssue struct {
	Title         string
	Description   string
	Type          string
	Severity      IssueSeverity
	Scope         IssueScope
	Key           string
	Stage         IssueStage
	Application   string
	Component     string
	GroupKey      string
	Origin        string
	Cause         string
	Links         []IssueLink
	DueDate       *metav1.Time
	Migration     *IssueMigration
	RelatedIssues []RelatedIssue
	ExpiresAfter  *metav1.Duration
}

// IssueReportStatus is the server's answer to a report.
type IssueReportStatus struct {
	Result ReportResult
	Issues []ReportedObject
}

// ReportedObject names an issue that a report reached.
type ReportedObject struct {
	Name            string
	UID             types.UID
	ResourceVersion string
}
