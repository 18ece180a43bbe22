// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuereport serves the resource issuereports: a producer's observation,
// answered with what it did to issues and never stored.
//
// A report goes to the Active issue with its identity, whatever that one's name;
// else to the issue at a derived name if the identity is the same; else it opens a
// new one. Each issue changes in one conditional write, so that any number of
// replicas may receive reports at once. Reports of one identity that wait in one
// process share a write:
//
//	report 1  ─leads─┐ write {1} ┌─answered
//	report 2    ╲wait │          └leads─┐ write {2,3,4} ┌─all answered
//	report 3      ╲wait                 │               │
//	report 4        ╲wait               └───────────────┘
package issuereport
