// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package rule finds out what a failure has in common with others, why it happened, how
// bad it is and who caused it, by regular expressions that an operator can replace.
//
// Rules are taken whole or not at all: every mistake in them is told with its
// field. Expressions are RE2, so that the time they take grows with the text only, and
// both text and expressions are bounded.
package rule
