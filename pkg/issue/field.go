// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"slices"
	"strings"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// Match says how a field selector compares.
type Match string

const (
	// MatchNone: the field is a label only and no selector.
	MatchNone Match = ""
	// MatchValue: the field has one value, which equals the selector's or not.
	MatchValue Match = "Value"
	// MatchAny: the field has many values, one of which equals the selector's.
	MatchAny Match = "Any"
	// MatchText: the field is a text that contains the selector's, whatever
	// the case.
	MatchText Match = "Text"
)

// Field is one thing by which issues are found. Field selectors, GetAttrs,
// projected columns and server-kept labels all come from Fields.
type Field struct {
	// Path is the field label of a selector; empty for MatchNone.
	Path string
	// Label is the key of the label that the server keeps; empty for none.
	Label string
	// Match says how Path compares.
	Match Match
	// Value returns the value; nil for MatchAny. For MatchText it is folded
	// as Fold does.
	Value func(*issues.Issue) string
	// Values returns the values of MatchAny; nil for the others.
	Values func(*issues.Issue) []string
	// MaxBytes is the length to which a projection may cut a value. No value
	// that validation lets pass is longer.
	MaxBytes int
}

const (
	maxWord = 16
	maxName = 253
	maxUID  = 128
	// maxText allows for a title of 256 characters, a line feed and 32 KiB of
	// description, and for lower-case letters that need half as much again.
	maxText = (256*4 + 1 + 32<<10) * 3 / 2
)

var fields = []Field{
	value(v1alpha1.FieldType, "type", 63, func(i *issues.Issue) string { return i.Spec.Type }),
	value(v1alpha1.FieldSeverity, "severity", maxWord, func(i *issues.Issue) string { return string(i.Spec.Severity) }),
	value(v1alpha1.FieldStage, "stage", maxWord, func(i *issues.Issue) string { return string(i.Spec.Stage) }),
	value(v1alpha1.FieldKey, "", maxName, func(i *issues.Issue) string { return i.Spec.Key }),
	value(v1alpha1.FieldApplication, "application", maxName, func(i *issues.Issue) string { return i.Spec.Application }),
	value(v1alpha1.FieldComponent, "component", maxName, func(i *issues.Issue) string { return i.Spec.Component }),
	value(v1alpha1.FieldGroupKey, "group", maxName, func(i *issues.Issue) string { return i.Spec.GroupKey }),
	value(v1alpha1.FieldOrigin, "origin", maxName, func(i *issues.Issue) string { return i.Spec.Origin }),
	value(v1alpha1.FieldScopeKind, "", 63, func(i *issues.Issue) string { return i.Spec.Scope.Kind }),
	value(v1alpha1.FieldScopeName, "", maxName, func(i *issues.Issue) string { return i.Spec.Scope.Name }),
	value(v1alpha1.FieldScopeNamespace, "", 63, func(i *issues.Issue) string { return i.Spec.Scope.Namespace }),
	value(v1alpha1.FieldState, "state", maxWord, func(i *issues.Issue) string { return string(i.Status.State) }),
	{Path: v1alpha1.FieldRunName, Match: MatchAny, MaxBytes: maxName, Values: runNames},
	{Path: v1alpha1.FieldRunUID, Match: MatchAny, MaxBytes: maxUID, Values: runUIDs},
	{Path: v1alpha1.FieldSearch, Match: MatchText, MaxBytes: maxText, Value: searchText},
	{Label: LabelPrefix + "releasable", MaxBytes: maxWord, Value: releasable},
	{Label: LabelPrefix + "overdue", MaxBytes: maxWord, Value: overdueLabel},
}

// Fields returns the table of everything by which issues are found, besides
// metadata.name and metadata.namespace, which every kind has. Callers must not
// change it.
func Fields() []Field { return fields }

// Fold prepares a text for comparison without regard to case. Projections hold
// folded text, so that SQL and Go compare the same bytes.
func Fold(text string) string { return strings.ToLower(text) }

// Matches says whether the issue has the value that a selector asks for.
func (f *Field) Matches(issue *issues.Issue, want string) bool {
	switch f.Match {
	case MatchAny:
		return slices.Contains(f.Values(issue), want)
	case MatchText:
		return strings.Contains(f.Value(issue), Fold(want))
	case MatchValue:
		return f.Value(issue) == want
	case MatchNone:
	}
	return false
}

func value(path, label string, maxBytes int, get func(*issues.Issue) string) Field {
	field := Field{Path: path, Match: MatchValue, MaxBytes: maxBytes, Value: get}
	if label != "" {
		field.Label = LabelPrefix + label
	}
	return field
}

func runNames(issue *issues.Issue) []string {
	out := make([]string, 0, len(issue.Status.Runs))
	for i := range issue.Status.Runs {
		out = append(out, issue.Status.Runs[i].Name)
	}
	return out
}

// runUIDs leaves out runs without a UID: they are not found by an empty one.
func runUIDs(issue *issues.Issue) []string {
	out := make([]string, 0, len(issue.Status.Runs))
	for i := range issue.Status.Runs {
		if uid := issue.Status.Runs[i].UID; uid != "" {
			out = append(out, string(uid))
		}
	}
	return out
}

func searchText(issue *issues.Issue) string {
	return Fold(issue.Spec.Title + "\n" + issue.Spec.Description)
}

// releasable tells content that can be released from proposed changes. An issue
// outside of pipelines is neither.
func releasable(issue *issues.Issue) string {
	switch issue.Spec.Stage {
	case issues.StagePush, issues.StageRelease:
		return "true"
	case issues.StagePullRequest:
		return "false"
	default:
		return ""
	}
}

// overdueLabel reads the condition, not the clock, so that labels follow from
// the object alone.
func overdueLabel(issue *issues.Issue) string {
	if overdue(issue) {
		return "true"
	}
	return ""
}
