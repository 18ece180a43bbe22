// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// IssueSeverity says how bad an issue is.
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

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Issue is one problem that blocks someone now, or did. It fails, recovers and
// fails again as the same object.
type Issue struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueSpec
	Status IssueStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueList is a list of issues.
type IssueList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []Issue
}

// IssueSpec says what a problem is. Its type, scope (without the UID), stage
// and key, together with the namespace, are the problem's identity: they never
// change.
type IssueSpec struct {
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

// IssueScope names the resource that has a problem. Any kind will do, whether
// it exists in this cluster or not.
type IssueScope struct {
	APIGroup  string
	Kind      string
	Namespace string
	Name      string
	UID       types.UID
}

// IssueLinkKind says what a link leads to.
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
	Title       string
	URL         string
	Kind        IssueLinkKind
	Description string
}

// IssueMigration says what to replace by what.
type IssueMigration struct {
	From        string
	To          string
	Description string
	URL         string
}

// IssueRelation says how an issue stands to another.
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
	Namespace string
	Name      string
	Relation  IssueRelation
}
