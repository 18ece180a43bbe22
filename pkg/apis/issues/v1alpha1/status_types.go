// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// IssueState says whether a problem exists now.
// +enum
// +k8s:enum
type IssueState string

const (
	// StateActive: the newest observation is a failure.
	StateActive IssueState = "Active"
	// StateResolved: the newest observation is a recovery.
	StateResolved IssueState = "Resolved"
)

// Outcome says what an observation found.
// +enum
// +k8s:enum
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
	// state is Active or Resolved.
	// +optional
	// +k8s:optional
	State IssueState `json:"state,omitempty"`

	// firstSeen is the time of the oldest failure, or of the issue's creation
	// by hand.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	FirstSeen *metav1.MicroTime `json:"firstSeen,omitempty"`

	// lastSeen is the time of the newest failure. spec.expiresAfter counts from
	// it, or from lastReopened.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	LastSeen *metav1.MicroTime `json:"lastSeen,omitempty"`

	// lastRecovered is the time of the newest recovery, by a report or by a
	// person, also while the issue is Active again. A failure that is not
	// newer cannot reopen the issue.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	LastRecovered *metav1.MicroTime `json:"lastRecovered,omitempty"`

	// lastReopened is when a person last reopened the issue. A recovery that
	// is older cannot resolve the issue.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	LastReopened *metav1.MicroTime `json:"lastReopened,omitempty"`

	// resolvedAt is when the issue was resolved; absent while it is Active.
	// Resolving again does not move it.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ResolvedAt *metav1.MicroTime `json:"resolvedAt,omitempty"`

	// resolvedBy is the user who resolved the issue, or whose report did.
	// +optional
	ResolvedBy string `json:"resolvedBy,omitempty"`

	// reportedBy is the user whose report gave the newest failure, of those
	// without expiresAfter if there are any while the issue is Active. Only
	// this user's reports of success resolve the issue, unless a reporter may
	// also update issues/status. Empty for an issue that nobody reported.
	// +optional
	ReportedBy string `json:"reportedBy,omitempty"`

	// source is what found the newest failure, as its report says.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=512
	Source string `json:"source,omitempty"`

	// reported is what the newest failure's report said. A later report
	// changes a field of spec only where its value is still the one here, so
	// that what a person edited stays.
	// +optional
	// +k8s:optional
	Reported *ReportedIssue `json:"reported,omitempty"`

	// reportedAt is when that failure was observed.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ReportedAt *metav1.MicroTime `json:"reportedAt,omitempty"`

	// occurrences counts the distinct failures seen: by the run's UID, else by
	// reporter and time of observation. Creation by hand counts as one;
	// reopening does not count.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Occurrences int32 `json:"occurrences,omitempty"`

	// reopened counts how often the issue went from Resolved to Active.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Reopened int32 `json:"reopened,omitempty"`

	// countedFailures holds fingerprints of the newest 512 failures, and
	// recoveries by runs, so that a repeated report is not counted again. One
	// older than all 512 is taken for a repeated one. For the server only; its
	// form may change.
	// +optional
	CountedFailures []byte `json:"countedFailures,omitempty"`

	// runs are the last 20 runs that failed, or whose success resolved the
	// issue, newest first.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=20
	Runs []IssueRun `json:"runs,omitempty"`

	// logExcerpt is the end of the newest failure's log. At most 8 KiB.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=8192
	LogExcerpt string `json:"logExcerpt,omitempty"`

	// affected are other resources that suffer from the problem. At most 100.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=100
	Affected []AffectedResource `json:"affected,omitempty"`

	// transitions are the last 20 changes of state or cause, newest first.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=20
	Transitions []IssueTransition `json:"transitions,omitempty"`

	// acknowledged says who takes care of the issue. It ends with its until,
	// when the issue is resolved, and when the severity rises.
	// +optional
	// +k8s:optional
	Acknowledged *Acknowledgement `json:"acknowledged,omitempty"`

	// rank orders issues by importance: critical 40, major 30, minor 20, info
	// 10; 5 more when overdue; 0 when Resolved.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Rank int32 `json:"rank,omitempty"`

	// conditions are Resolved and Overdue, which the server sets, and
	// RemediationActive and others, which controllers set.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=type
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:opaqueType
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// observedGeneration is the generation of the spec that rank, labels and
	// conditions stand for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// remediation is the work that goes on to solve the problem.
	// +optional
	// +k8s:optional
	Remediation *IssueRemediation `json:"remediation,omitempty"`
}

// IssueRun is one run of a pipeline, job or check that was observed.
type IssueRun struct {
	// kind of the run's resource, such as PipelineRun. At most 63 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=63
	Kind string `json:"kind,omitempty"`

	// namespace of the run. Empty is the issue's own.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Namespace string `json:"namespace,omitempty"`

	// name of the run. At most 253 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=253
	Name string `json:"name"`

	// uid of the run. It makes the observation distinct: a run counts once.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	UID types.UID `json:"uid,omitempty"`

	// url leads to the run: an absolute http or https address of at most 2048
	// bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=2048
	URL string `json:"url,omitempty"`

	// outcome is Failed or Succeeded. In a report it may be left out.
	// +optional
	// +k8s:optional
	Outcome Outcome `json:"outcome,omitempty"`

	// at is when the run was observed. In a report it may be left out.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	At *metav1.MicroTime `json:"at,omitempty"`
}

// AffectedResource is a resource that suffers from a problem of another.
type AffectedResource struct {
	// apiGroup is the resource's API group without version; empty for the
	// core group.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-long-name
	APIGroup string `json:"apiGroup,omitempty"`

	// kind of the resource in CamelCase. At most 63 characters.
	// +required
	// +k8s:required
	// +k8s:maxBytes=63
	Kind string `json:"kind"`

	// namespace of the resource. Empty is the issue's own.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Namespace string `json:"namespace,omitempty"`

	// name of the resource. At most 253 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=253
	Name string `json:"name"`
}

// IssueTransition is one change of state or cause.
type IssueTransition struct {
	// time of the observation or of the person's request.
	// +required
	// +k8s:opaqueType
	Time metav1.MicroTime `json:"time"`

	// from is the state before; empty for the first transition.
	// +optional
	// +k8s:optional
	From IssueState `json:"from,omitempty"`

	// to is the state after. It equals from when only the cause changed.
	// +required
	// +k8s:required
	To IssueState `json:"to"`

	// reason in CamelCase: the cause of a failure, or why the issue was
	// resolved. At most 128 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	Reason string `json:"reason,omitempty"`

	// by is the user who asked for it, or whose report did.
	// +optional
	By string `json:"by,omitempty"`
}

// Acknowledgement says who takes care of an issue.
type Acknowledgement struct {
	// by is the user who acknowledged.
	// +required
	By string `json:"by"`

	// at is when.
	// +required
	// +k8s:opaqueType
	At metav1.MicroTime `json:"at"`

	// note is what the user wanted others to know. At most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Note string `json:"note,omitempty"`

	// until is when the acknowledgement ends.
	// +required
	// +k8s:opaqueType
	Until metav1.Time `json:"until"`

	// severity is the lowest severity that the issue had since then. The
	// acknowledgement ends when the severity rises above it.
	// +optional
	// +k8s:optional
	Severity IssueSeverity `json:"severity,omitempty"`
}

// IssueRemediation names the remediation that works on an issue.
type IssueRemediation struct {
	// name of the RemediationRequest in the issue's namespace.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`

	// phase that it is in. At most 64 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=64
	Phase string `json:"phase,omitempty"`
}
