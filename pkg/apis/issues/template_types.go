// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IssueTemplate is what monitors and webhooks report of a problem. Its type,
// scope, stage and key are the problem's identity. Type and severity are as they
// are; all others but the kind of a link and expiresAfter are expressions that
// give a string, of which an empty one is as good as none.
type IssueTemplate struct {
	Type               string
	Severity           IssueSeverity
	SeverityExpression string
	Scope              *ScopeTemplate
	Title              string
	Description        string
	Key                string
	Stage              string
	Application        string
	Component          string
	GroupKey           string
	Origin             string
	Cause              string
	Links              []LinkTemplate
	DueDate            string
	Migration          *MigrationTemplate
	ExpiresAfter       *metav1.Duration
}

// ScopeTemplate gives the resource that has the problem, in the namespace of
// the issue.
type ScopeTemplate struct {
	APIGroup string
	Kind     string
	Name     string
	UID      string
}

// LinkTemplate leads to something that helps. It is left out where its url is
// empty.
type LinkTemplate struct {
	Title       string
	URL         string
	Kind        IssueLinkKind
	Description string
}

// MigrationTemplate gives what to replace by what.
type MigrationTemplate struct {
	From        string
	To          string
	Description string
	URL         string
}
