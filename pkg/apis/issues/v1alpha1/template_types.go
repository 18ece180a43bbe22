// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IssueTemplate is what monitors and webhooks report of a problem. Its type,
// scope, stage and key are the problem's identity. Type and severity are as they
// are; all others but the kind of a link and expiresAfter are expressions that
// give a string, of which an empty one is as good as none.
type IssueTemplate struct {
	// type says what kind of work fails; see an issue's spec.type.
	// +required
	// +k8s:required
	// +k8s:format=k8s-short-name
	Type string `json:"type"`

	// severity is critical, major, minor or info. Required where failures are
	// reported.
	// +optional
	// +k8s:optional
	Severity IssueSeverity `json:"severity,omitempty"`

	// severityExpression gives the severity where it depends on what is
	// reported. Where it gives an empty string, severity counts.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	SeverityExpression string `json:"severityExpression,omitempty"`

	// scope names the resource that has the problem. In a monitor it defaults
	// to the watched object; a webhook needs one.
	// +optional
	// +k8s:optional
	Scope *ScopeTemplate `json:"scope,omitempty"`

	// title gives the issue's title. It is cut at 256 characters. Required
	// where failures are reported.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Title string `json:"title,omitempty"`

	// description gives the issue's description. It is cut at 32 KiB.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`

	// key gives the issue's key: the symptom, where one resource can have
	// several problems of a type.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Key string `json:"key,omitempty"`

	// stage gives PullRequest, Push, Release or an empty string.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Stage string `json:"stage,omitempty"`

	// application gives the name of the application concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Application string `json:"application,omitempty"`

	// component gives the name of the component concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Component string `json:"component,omitempty"`

	// groupKey gives what the issues of one cause in many places share.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	GroupKey string `json:"groupKey,omitempty"`

	// origin gives who caused the change that failed.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Origin string `json:"origin,omitempty"`

	// cause gives a short machine-readable reason in CamelCase.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Cause string `json:"cause,omitempty"`

	// links lead to logs, runs and documents. At most 16.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=16
	Links []LinkTemplate `json:"links,omitempty"`

	// dueDate gives when the problem must be solved, in the form of RFC 3339.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	DueDate string `json:"dueDate,omitempty"`

	// migration says what to change to.
	// +optional
	// +k8s:optional
	Migration *MigrationTemplate `json:"migration,omitempty"`

	// expiresAfter resolves the issue with reason Expired when it was not
	// reported for this long, for what goes away without a recovery. A
	// duration such as 168h, more than zero.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// ScopeTemplate gives the resource that has the problem, in the namespace of
// the issue.
type ScopeTemplate struct {
	// apiGroup gives the resource's API group without version.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	APIGroup string `json:"apiGroup,omitempty"`

	// kind gives the resource's kind in CamelCase.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Kind string `json:"kind"`

	// name gives the resource's name.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Name string `json:"name"`

	// uid gives the resource's UID.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	UID string `json:"uid,omitempty"`
}

// LinkTemplate leads to something that helps. It is left out where its url is
// empty.
type LinkTemplate struct {
	// title gives the text to show.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Title string `json:"title"`

	// url gives an absolute http or https address.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	URL string `json:"url"`

	// kind is Log, Run, Vulnerability, Documentation, Migration or Other.
	// Defaults to Other.
	// +optional
	// +default="Other"
	// +k8s:optional
	Kind IssueLinkKind `json:"kind,omitempty"`

	// description gives a sentence about what is there.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`
}

// MigrationTemplate gives what to replace by what.
type MigrationTemplate struct {
	// from gives what is in use.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	From string `json:"from,omitempty"`

	// to gives what to use instead.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	To string `json:"to,omitempty"`

	// description gives how.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`

	// url gives the address of instructions.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	URL string `json:"url,omitempty"`
}
