// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strconv"
	"time"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// maxQuoted is how much of a wrong value a message repeats.
const maxQuoted = 64

func checkSeverity(value string) string {
	switch issues.IssueSeverity(value) {
	case "", issues.SeverityCritical, issues.SeverityMajor, issues.SeverityMinor, issues.SeverityInfo:
		return ""
	default:
		return "must give critical, major, minor, info or an empty string, but gives " + quote(value)
	}
}

func checkStage(value string) string {
	switch issues.IssueStage(value) {
	case "", issues.StagePullRequest, issues.StagePush, issues.StageRelease:
		return ""
	default:
		return "must give PullRequest, Push, Release or an empty string, but gives " + quote(value)
	}
}

// CheckReason returns a message about a value that is no reason in CamelCase. An empty one
// is none.
func CheckReason(value string) string {
	if value == "" || issue.IsReason(value) {
		return ""
	}
	return "must give a reason in CamelCase, such as TokenExpired, but gives " + quote(value)
}

// CheckTime returns a message about a value that is no time in the form of RFC 3339. An
// empty one is none.
func CheckTime(value string) string {
	if _, err := time.Parse(time.RFC3339, value); err != nil && value != "" {
		return "must give a time such as 2026-03-01T12:00:00Z, but gives " + quote(value)
	}
	return ""
}

func quote(value string) string {
	if runes := []rune(value); len(runes) > maxQuoted {
		value = string(runes[:maxQuoted]) + "…"
	}
	return strconv.Quote(value)
}
