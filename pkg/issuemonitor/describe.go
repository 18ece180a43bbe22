// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"

	"kite.dev/kite/pkg/apis/issues"
)

// Identify gives the identity of an object's issue: type, scope, stage and key. It is all
// that a recovery needs, and all that a healthy object can be asked for. An error is an
// *Error.
func (m *Monitor) Identify(ctx context.Context, in Input) (issues.ReportedIssue, error) {
	return m.issue.Identify(ctx, m.evaluation(in), scopeOf(in))
}

// Describe gives all that is reported of an object that fails. An error is an *Error.
func (m *Monitor) Describe(ctx context.Context, in Input) (issues.ReportedIssue, error) {
	return m.issue.Describe(ctx, m.evaluation(in), scopeOf(in))
}

// scopeOf is the watched object.
func scopeOf(in Input) issues.IssueScope {
	kind := in.Object.GroupVersionKind()
	return issues.IssueScope{
		APIGroup: kind.Group, Kind: kind.Kind,
		Namespace: in.Object.GetNamespace(), Name: in.Object.GetName(), UID: in.Object.GetUID(),
	}
}
