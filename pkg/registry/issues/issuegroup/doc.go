// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuegroup serves the resource issuegroups and the subresource group of
// issues: what the issues that share a spec.groupKey say together.
//
// A group is computed from its members when it is asked for. They are read in pages of
// one revision and in the order of their keys, so those of one namespace follow each
// other; what is kept of them is bounded, however many there are.
package issuegroup
