// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuemonitor compiles and evaluates the expressions of IssueMonitor and
// ClusterIssueMonitor. The server compiles them to refuse bad ones, kite-controllers to
// evaluate them: in one language, with one set of limits. It reads and writes nothing.
package issuemonitor
