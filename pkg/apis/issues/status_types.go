// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// IssueState says whether a problem exists now.
type IssueState string

const (
	// StateActive: the newest observation is a failure.
	StateActive IssueState = "Active"
	// StateResolved: the newest observation is a recovery.
	StateResolved IssueState = "Resolved"
)

// Outcome says what an observation found.
type Outcome string

const (
	// OutcomeFailed: the problem is there.
	OutcomeFailed Outcome = "Failed"
	// OutcomeSucceeded: the problem is gone.
	OutcomeSucceeded Outcome = "Succeeded"
)

// Condition types of an Issue. The server derives the first two from state and
// due date.
const (
	// ConditionResolved is True while the state is Resolved.
	ConditionResolved = "Resolved"
	// ConditionOverdue is True while the issue is Active after its due date.
	ConditionOverdue = "Overdue"
	// ConditionRemediationActive is True while a remediation works on it.
	ConditionRemediationActive = "RemediationActive"
)

// Reasons of transitions that the server and Kite's own controllers give.
const (
	// ReasonFailed: a report without reason and cause opened the issue.
	ReasonFailed = "Failed"
	// ReasonCreated: the issue was written by hand.
	ReasonCreated = "Created"
	// ReasonSucceeded: a report without reason resolved the issue.
	ReasonSucceeded = "Succeeded"
	// ReasonResolved: a person resolved the issue without giving a reason.
	ReasonResolved = "ResolvedByUser"
	// ReasonReopened: a person opened the issue again.
	ReasonReopened = "ReopenedByUser"
	// ReasonExpired: the issue was not seen for spec.expiresAfter.
	ReasonExpired = "Expired"
	// ReasonPullRequestClosed: the pull request concerned was closed.
	ReasonPullRequestClosed = "PullRequestClosed"
	// ReasonScopeDeleted: the resource concerned was deleted.
	ReasonScopeDeleted = "ScopeDeleted"
	// ReasonMonitorDeleted: the monitor that found the issue was deleted.
	ReasonMonitorDeleted = "MonitorDeleted"
	// ReasonMonitorChanged: the monitor that found the issue does not look there any
	// longer.
	ReasonMonitorChanged = "MonitorChanged"
)

// IssueStatus says what was observed.
type IssueStatus struct {
	State              IssueState
	FirstSeen          *metav1.MicroTime
	LastSeen           *metav1.MicroTime
	LastRecovered      *metav1.MicroTime
	LastReopened       *metav1.MicroTime
	ResolvedAt         *metav1.MicroTime
	ResolvedBy         string
	ReportedBy         string
	Source             string
	Reported           *ReportedIssue
	ReportedAt         *metav1.MicroTime
	Occurrences        int32
	Reopened           int32
	CountedFailures    []byte
	Runs               []IssueRun
	LogExcerpt         string
	Affected           []AffectedResource
	Transitions        []IssueTransition
	Acknowledged       *Acknowledgement
	Rank               int32
	Conditions         []metav1.Condition
	ObservedGeneration int64
	Remediation        *IssueRemediation
}

// IssueRun is one run of a pipeline, job or check that was observed.
type IssueRun struct {
	Kind      string
	Namespace string
	Name      string
	UID       types.UID
	URL       string
	Outcome   Outcome
	At        *metav1.MicroTime
}

// AffectedResource is a resource that suffers from a problem of another.
type AffectedResource struct {
	APIGroup  string
	Kind      string
	Namespace string
	Name      string
}

// IssueTransition is one change of state or cause.
type IssueTransition struct {
	Time   metav1.MicroTime
	From   IssueState
	To     IssueState
	Reason string
	By     string
}

// Acknowledgement says who takes care of an issue.
type Acknowledgement struct {
	By       string
	At       metav1.MicroTime
	Note     string
	Until    metav1.Time
	Severity IssueSeverity
}

// IssueRemediation names the remediation that works on an issue.
type IssueRemediation struct {
	Name  string
	Phase string
}
