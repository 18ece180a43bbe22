// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import "kite.dev/kite/pkg/apis/issues"

// SeverityRank orders severities: the worse, the higher. An unknown one ranks last.
func SeverityRank(severity issues.IssueSeverity) int32 { return severityRank[severity] }
