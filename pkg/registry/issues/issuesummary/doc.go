// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuesummary serves the resource issuesummaries: the numbers of each
// namespace, counted in SQL when they are read. It also counts for metrics, and notes
// who reports.
package issuesummary
