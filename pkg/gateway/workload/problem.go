// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"strings"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
)

// maxName is how long the API lets names and keys be, in bytes.
const maxName = 253

// Problem identifies what is wrong with a workload. Names that no resource can have are
// told apart by the key.
func Problem(scope issuesv1alpha1.IssueScope, key string) issuesv1alpha1.ReportedIssue {
	safe, same := gateway.Segment(scope.Name)
	if !same {
		key += "/" + scope.Name
	}
	scope.Name = Cut(safe)
	return issuesv1alpha1.ReportedIssue{Type: issuesv1alpha1.TypeRuntime, Scope: scope, Key: Cut(key)}
}

// Cut keeps of a name what fits, in whole characters, and no U+0000.
func Cut(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= maxName {
		return text
	}
	return strings.ToValidUTF8(text[:maxName], "")
}

// Severity reads what alerts usually say; otherwise it is the symptom's.
func Severity(text string, otherwise issuesv1alpha1.IssueSeverity) issuesv1alpha1.IssueSeverity {
	switch strings.ToLower(text) {
	case "critical", "page", "emergency":
		return issuesv1alpha1.SeverityCritical
	case "error", "major", "high":
		return issuesv1alpha1.SeverityMajor
	case "warning", "warn", "minor", "medium":
		return issuesv1alpha1.SeverityMinor
	case "info", "low", "none":
		return issuesv1alpha1.SeverityInfo
	default:
		return otherwise
	}
}

func isSeverity(severity issuesv1alpha1.IssueSeverity) bool {
	return slices.Contains(severities, severity)
}
