// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"

// ReportRules say what a failure has in common with others, why it happened, how bad it is
// and who caused it. Of each list the first rule that matches is used. There can be 200 of
// them in all.
type ReportRules struct {
	// groups give an issue its groupKey.
	// +optional
	// +listType=atomic
	Groups []GroupRule `json:"groups,omitempty"`
	// causes give an issue its cause, and a link that helps.
	// +optional
	// +listType=atomic
	Causes []CauseRule `json:"causes,omitempty"`
	// severities give an issue its severity. Without one an issue of stage Release is
	// critical, any other major.
	// +optional
	// +listType=atomic
	Severities []SeverityRule `json:"severities,omitempty"`
	// origins give an issue its origin: who asked for the change that failed. MintMaker is
	// known without a rule.
	// +optional
	// +listType=atomic
	Origins []OriginRule `json:"origins,omitempty"`
}

// RuleCondition says when a rule applies.
type RuleCondition struct {
	// match is a regular expression (RE2) that is found in one line of what in names. It must
	// not match an empty line. At most 1024 bytes.
	// +required
	Match string `json:"match"`
	// in is where match looks, in this order, and in each from the end: what stands last in a
	// log is nearest to the failure.
	// +required
	// +listType=set
	In []RuleSource `json:"in"`
	// types restricts the rule to issues of these types; none means all.
	// +optional
	// +listType=set
	Types []string `json:"types,omitempty"`
}

// RuleSource is a part of what is known of a failure: Labels, each label and those
// annotations that say where the run comes from as a line name=value; Title, the issue's;
// Log, the end of the failed step's log.
type RuleSource string

// Sources of rules.
const (
	RuleSourceLabels RuleSource = "Labels"
	RuleSourceTitle  RuleSource = "Title"
	RuleSourceLog    RuleSource = "Log"
)

// GroupRule gives an issue its group.
type GroupRule struct {
	RuleCondition `json:",inline"`

	// key is the group's key, with $0 for all that matched and $1 for what the first
	// parentheses did. What it makes must be letters, digits, '-', '_' and '.', at most 253
	// of them; else the rule does not apply. Defaults to $0.
	// +optional
	Key string `json:"key,omitempty"`
	// severity is the issue's, if it is worse than the one that it has.
	// +optional
	Severity issuesv1alpha1.IssueSeverity `json:"severity,omitempty"`
	// title is put before the issue's. {groupKey} stands for the group's key.
	// +optional
	Title string `json:"title,omitempty"`
	// link leads to what the group is about.
	// +optional
	Link *RuleLink `json:"link,omitempty"`
}

// CauseRule gives an issue its cause.
type CauseRule struct {
	RuleCondition `json:",inline"`

	// cause is CamelCase, at most 128 characters.
	// +required
	Cause string `json:"cause"`
	// help leads to what mends the cause.
	// +optional
	Help *RuleLink `json:"help,omitempty"`
}

// SeverityRule gives an issue its severity, be it worse or less bad than without the rule.
// A group's can still make it worse.
type SeverityRule struct {
	RuleCondition `json:",inline"`

	// severity is critical, major, minor or info.
	// +required
	Severity issuesv1alpha1.IssueSeverity `json:"severity"`
}

// OriginRule says who caused the change that failed.
type OriginRule struct {
	RuleCondition `json:",inline"`

	// origin is letters, digits, '-', '_' and '.', at most 253.
	// +required
	Origin string `json:"origin"`
}

// RuleLink is a link. {groupKey} stands for the group's key in both.
type RuleLink struct {
	// title is what people read.
	// +required
	Title string `json:"title"`
	// url is an absolute http or https address.
	// +required
	URL string `json:"url"`
}
