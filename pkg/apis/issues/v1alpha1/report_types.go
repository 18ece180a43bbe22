// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ReportResult says what the server did with a report.
// +enum
// +k8s:enum
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

// +genclient
// +genclient:onlyVerbs=create
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueReport is a producer's observation. It is answered with what it did and
// is never stored, like a SubjectAccessReview.
type IssueReport struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. A report needs no name.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the observation.
	// +optional
	Spec IssueReportSpec `json:"spec,omitempty"`

	// status is the server's answer.
	// +optional
	Status IssueReportStatus `json:"status,omitempty"`
}

// IssueReportSpec is an observation: a failure or a recovery.
type IssueReportSpec struct {
	// outcome is Failed or Succeeded.
	// +required
	// +k8s:required
	Outcome Outcome `json:"outcome"`

	// observedAt is when the observation was made, such as the time at which
	// a run completed. Observations are ordered by it, whatever the order in
	// which they arrive. It may be at most 5 minutes ahead of the server's
	// clock.
	// +required
	// +k8s:required
	// +k8s:opaqueType
	ObservedAt *metav1.MicroTime `json:"observedAt"`

	// issue says which problem was observed. For Succeeded the fields of the
	// identity suffice (type, scope, stage, key): an absent stage or key
	// matches only issues without one.
	// +required
	Issue ReportedIssue `json:"issue"`

	// reason says in CamelCase why the state changes, such as
	// PullRequestClosed. Defaults for a failure to the issue's cause, else to
	// Failed; for a recovery to Succeeded. At most 128 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	Reason string `json:"reason,omitempty"`

	// run is the run that was observed. Its UID, when given, makes the
	// observation distinct; otherwise reporter and observedAt do.
	// +optional
	// +k8s:optional
	Run *IssueRun `json:"run,omitempty"`

	// source says what found the problem, where a reporter looks after several:
	// a monitor as IssueMonitor/NAMESPACE/NAME or ClusterIssueMonitor/NAME. At
	// most 512 bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=512
	Source string `json:"source,omitempty"`

	// logExcerpt is the part of the log that shows the failure. At most 64
	// KiB, of which the last 8 KiB are kept.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=65536
	LogExcerpt string `json:"logExcerpt,omitempty"`

	// affected are other resources that suffer from the problem. At most 100.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=100
	Affected []AffectedResource `json:"affected,omitempty"`

	// allKeys lets a Succeeded report resolve the issues of every key, not
	// only of issue.key. It needs the right to update issues/status.
	// +optional
	AllKeys bool `json:"allKeys,omitempty"`

	// allTypes lets a Succeeded report resolve the issues of every type, not
	// only of issue.type, which may then be empty. It needs the right to
	// update issues/status.
	// +optional
	AllTypes bool `json:"allTypes,omitempty"`
}

// ReportedIssue is what a report says about a problem: the fields of an
// issue's spec. A Failed report needs title, type, severity and scope; a
// Succeeded one type and scope.
type ReportedIssue struct {
	// title is one line that a person understands without context. At most
	// 256 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=256
	Title string `json:"title,omitempty"`

	// description is the whole story as plain text or Markdown. At most 32
	// KiB.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=32768
	Description string `json:"description,omitempty"`

	// type says what kind of work was observed; see an issue's spec.type.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Type string `json:"type,omitempty"`

	// severity is critical, major, minor or info.
	// +optional
	// +k8s:optional
	Severity IssueSeverity `json:"severity,omitempty"`

	// scope is the resource that has the problem.
	// +required
	Scope IssueScope `json:"scope"`

	// key tells apart problems that share type, scope and stage. At most 253
	// bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Key string `json:"key,omitempty"`

	// stage is PullRequest, Push, Release or empty.
	// +optional
	// +k8s:optional
	Stage IssueStage `json:"stage,omitempty"`

	// application is the name of the application concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Application string `json:"application,omitempty"`

	// component is the name of the component concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Component string `json:"component,omitempty"`

	// groupKey is shared by the issues of one cause in many places.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	GroupKey string `json:"groupKey,omitempty"`

	// origin says who caused the change that failed.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Origin string `json:"origin,omitempty"`

	// cause is a short machine-readable reason in CamelCase. At most 128
	// characters.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	Cause string `json:"cause,omitempty"`

	// links lead to logs, runs and documents. At most 32.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=32
	Links []IssueLink `json:"links,omitempty"`

	// dueDate is when the problem must be solved.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	DueDate *metav1.Time `json:"dueDate,omitempty"`

	// migration says what to change to.
	// +optional
	// +k8s:optional
	Migration *IssueMigration `json:"migration,omitempty"`

	// relatedIssues name other issues. At most 32.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=32
	RelatedIssues []RelatedIssue `json:"relatedIssues,omitempty"`

	// expiresAfter resolves the issue with reason Expired when it was not seen
	// for this long. A duration such as 168h, more than zero.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// IssueReportStatus is the server's answer to a report.
type IssueReportStatus struct {
	// result says what the report did: Created, Updated, Reopened, Resolved,
	// Unchanged or Stale.
	// +optional
	// +k8s:optional
	Result ReportResult `json:"result,omitempty"`

	// issues are those that the report reached, as they are now.
	// +optional
	// +listType=atomic
	Issues []ReportedObject `json:"issues,omitempty"`
}

// ReportedObject names an issue that a report reached.
type ReportedObject struct {
	// name of the issue.
	// +required
	Name string `json:"name"`

	// uid of the issue.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// resourceVersion of the issue after the report. Empty in a dry run.
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`
}
