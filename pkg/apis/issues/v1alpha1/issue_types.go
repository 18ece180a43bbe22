// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// IssueSeverity says how bad an issue is.
// +enum
// +k8s:enum
type IssueSeverity string

const (
	// SeverityCritical: work is blocked, for everyone or in production.
	SeverityCritical IssueSeverity = "critical"
	// SeverityMajor: something failed that somebody needs.
	SeverityMajor IssueSeverity = "major"
	// SeverityMinor: a warning, nothing is blocked.
	SeverityMinor IssueSeverity = "minor"
	// SeverityInfo: good to know.
	SeverityInfo IssueSeverity = "info"
)

// IssueStage tells development pipelines from releasable content.
// +enum
// +k8s:enum
type IssueStage string

const (
	// StagePullRequest: a proposed change, before it is merged.
	StagePullRequest IssueStage = "PullRequest"
	// StagePush: merged content that may be released.
	StagePush IssueStage = "Push"
	// StageRelease: content on its way to its users.
	StageRelease IssueStage = "Release"
)

// Well-known values of spec.type. The set is open: any DNS label is a type.
const (
	TypeBuild      = "build"
	TypeTest       = "test"
	TypeRelease    = "release"
	TypeDependency = "dependency"
	TypePipeline   = "pipeline"
	TypePolicy     = "policy"
	TypeRuntime    = "runtime"
)

// +genclient
// +genclient:method=Resolve,verb=create,subresource=resolve,input=IssueResolution,result=Issue
// +genclient:method=Reopen,verb=create,subresource=reopen,input=IssueReopening,result=Issue
// +genclient:method=Acknowledge,verb=create,subresource=acknowledge,input=IssueAcknowledgement,result=Issue
// +genclient:method=GetGroup,verb=get,subresource=group,result=IssueGroup
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:supportsSubresource="/status"
// +k8s:supportsSubresource="/resolve"
// +k8s:supportsSubresource="/reopen"
// +k8s:supportsSubresource="/acknowledge"

// Issue is one problem that blocks someone now, or did. It fails, recovers and
// fails again as the same object.
type Issue struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata. The server keeps the labels
	// that begin with issues.kite.dev/ in step with spec and status; a write
	// that gives one of them another value is refused.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what the problem is.
	// +optional
	Spec IssueSpec `json:"spec,omitempty"`

	// status says what was observed. A new issue starts Active, whatever its
	// status says. Through the status subresource only conditions, affected
	// and remediation can change.
	// +optional
	Status IssueStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueList is a list of issues.
type IssueList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the issues.
	Items []Issue `json:"items"`
}

// IssueSpec says what a problem is. Its type, scope (without the UID), stage
// and key, together with the namespace, are the problem's identity: they never
// change.
type IssueSpec struct {
	// title is one line that a person understands without context. At most
	// 256 characters.
	// +required
	// +k8s:required
	// +k8s:maxLength=256
	Title string `json:"title"`

	// description is the whole story as plain text or Markdown. At most 32
	// KiB.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=32768
	Description string `json:"description,omitempty"`

	// type says what kind of work failed. Well known are build, test,
	// release, dependency, pipeline, policy and runtime; any other DNS label
	// of at most 63 characters is a type as well. Part of the identity.
	// +required
	// +k8s:required
	// +k8s:format=k8s-short-name
	// +k8s:immutable
	Type string `json:"type"`

	// severity is critical, major, minor or info.
	// +required
	// +k8s:required
	Severity IssueSeverity `json:"severity"`

	// scope is the resource that has the problem. Part of the identity, all
	// but its UID.
	// +required
	// +k8s:subfield(apiGroup)=+k8s:immutable
	// +k8s:subfield(kind)=+k8s:immutable
	// +k8s:subfield(namespace)=+k8s:immutable
	// +k8s:subfield(name)=+k8s:immutable
	Scope IssueScope `json:"scope"`

	// key tells apart problems that share type, scope and stage: the number
	// of a pull request, the name of a test scenario, a branch that is not
	// the default one, a symptom. At most 253 bytes. Part of the identity.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	// +k8s:immutable
	Key string `json:"key,omitempty"`

	// stage is PullRequest, Push, Release, or empty when the problem belongs
	// to no pipeline. Push and Release are content that can be released. Part
	// of the identity.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	Stage IssueStage `json:"stage,omitempty"`

	// application is the name of the application concerned, for filtering.
	// Letters, digits, '-', '_' and '.', at most 253. A value over 63
	// characters is labelled with its first 55 and a hash.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Application string `json:"application,omitempty"`

	// component is the name of the component concerned, for filtering. The
	// same syntax as application.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Component string `json:"component,omitempty"`

	// groupKey is shared by the issues of one cause in many places, such as a
	// vulnerability's number. The same syntax as application.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	GroupKey string `json:"groupKey,omitempty"`

	// origin says who caused the change that failed: mintmaker, human. The
	// same syntax as application.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Origin string `json:"origin,omitempty"`

	// cause is a short machine-readable reason in CamelCase, such as
	// TokenExpired. It is not part of the identity: when it changes, the issue
	// stays the same and gains a transition. At most 128 characters.
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

	// dueDate is when the problem must be solved. From then on the issue is
	// overdue for as long as it is Active.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	DueDate *metav1.Time `json:"dueDate,omitempty"`

	// migration says what to change to, for a problem that an upgrade solves.
	// +optional
	// +k8s:optional
	Migration *IssueMigration `json:"migration,omitempty"`

	// relatedIssues name other issues. Their content is never copied. At most
	// 32.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=32
	RelatedIssues []RelatedIssue `json:"relatedIssues,omitempty"`

	// expiresAfter is for producers that cannot report a recovery: an issue
	// that was not seen for this long is resolved with reason Expired. A
	// duration such as 168h, more than zero. Without it the issue never
	// expires.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// IssueScope names the resource that has a problem. Any kind will do, whether
// it exists in this cluster or not.
type IssueScope struct {
	// apiGroup is the resource's API group without version; empty for the
	// core group.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-long-name
	APIGroup string `json:"apiGroup,omitempty"`

	// kind is the resource's kind in CamelCase, without version. At most 63
	// characters.
	// +required
	// +k8s:required
	// +k8s:maxBytes=63
	Kind string `json:"kind"`

	// namespace is the resource's namespace. Defaults to the issue's own.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Namespace string `json:"namespace,omitempty"`

	// name is the resource's name. At most 253 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=253
	// +k8s:format=k8s-path-segment-name
	Name string `json:"name"`

	// uid is the resource's UID. It is not part of the identity: the issue
	// stays the same when the resource is made anew. Only an issue with it can
	// be resolved by the resource's deletion.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=128
	UID types.UID `json:"uid,omitempty"`
}

// IssueLinkKind says what a link leads to.
// +enum
// +k8s:enum
type IssueLinkKind string

const (
	// LinkLog leads to a log.
	LinkLog IssueLinkKind = "Log"
	// LinkRun leads to a pipeline's run.
	LinkRun IssueLinkKind = "Run"
	// LinkVulnerability leads to a vulnerability's record.
	LinkVulnerability IssueLinkKind = "Vulnerability"
	// LinkDocumentation leads to help.
	LinkDocumentation IssueLinkKind = "Documentation"
	// LinkMigration leads to a migration's instructions.
	LinkMigration IssueLinkKind = "Migration"
	// LinkOther leads to anything else.
	LinkOther IssueLinkKind = "Other"
)

// IssueLink leads to something that helps.
type IssueLink struct {
	// title is the text to show. At most 256 characters.
	// +required
	// +k8s:required
	// +k8s:maxLength=256
	Title string `json:"title"`

	// url is an absolute http or https address. At most 2048 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=2048
	URL string `json:"url"`

	// kind is Log, Run, Vulnerability, Documentation, Migration or Other.
	// Defaults to Other.
	// +optional
	// +default="Other"
	// +k8s:optional
	Kind IssueLinkKind `json:"kind,omitempty"`

	// description says in a sentence what is there. At most 1024 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Description string `json:"description,omitempty"`
}

// IssueMigration says what to replace by what.
type IssueMigration struct {
	// from is what is in use. At most 512 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=512
	From string `json:"from,omitempty"`

	// to is what to use instead. At most 512 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=512
	To string `json:"to,omitempty"`

	// description says how. At most 4096 characters.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=4096
	Description string `json:"description,omitempty"`

	// url leads to instructions: an absolute http or https address of at most
	// 2048 bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=2048
	URL string `json:"url,omitempty"`
}

// IssueRelation says how an issue stands to another.
// +enum
// +k8s:enum
type IssueRelation string

const (
	// RelationCausedBy: the other issue is the reason for this one.
	RelationCausedBy IssueRelation = "CausedBy"
	// RelationBlocks: the other issue cannot be solved before this one.
	RelationBlocks IssueRelation = "Blocks"
	// RelationDuplicates: the other issue tells the same.
	RelationDuplicates IssueRelation = "Duplicates"
	// RelationRelated: the other issue is worth a look.
	RelationRelated IssueRelation = "Related"
)

// RelatedIssue names another issue.
type RelatedIssue struct {
	// namespace of the other issue. Empty is this issue's own.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Namespace string `json:"namespace,omitempty"`

	// name of the other issue.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`

	// relation is CausedBy, Blocks, Duplicates or Related.
	// +required
	// +k8s:required
	Relation IssueRelation `json:"relation"`
}
