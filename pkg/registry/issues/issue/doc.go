// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issue serves the resource issues: its storage, what clients may change
// of it, how it is selected and shown, and the verbs for people. The rules
// themselves are in pkg/issue.
package issue
