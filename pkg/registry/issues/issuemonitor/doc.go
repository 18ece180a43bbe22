// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuemonitor stores IssueMonitor and ClusterIssueMonitor, which differ in their
// scope only. It refuses monitors whose author may not read what they watch.
package issuemonitor
