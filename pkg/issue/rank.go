// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

// SeverityRank orders severities: the worse, the higher. An unknown one ranks last.
func SeverityRank(severity issues.IssueSeverity) int32 { return severityRank[severity] }

// ActiveSince is when the issue last became Active. After more transitions than an
// issue keeps nobody knows, and it is when the issue was first seen.
func ActiveSince(issue *issues.Issue) *metav1.MicroTime {
	for i := range issue.Status.Transitions {
		transition := &issue.Status.Transitions[i]
		if transition.To == issues.StateActive && transition.From != issues.StateActive {
			return &transition.Time
		}
	}
	return issue.Status.FirstSeen
}
