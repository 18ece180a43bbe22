// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issue holds the rules of issues as pure functions: which problem an
// observation belongs to, what it changes, and what the server derives from the
// result. Nothing here reads a clock or does I/O; callers pass the time in.
//
// # Order of observations
//
// Reports may arrive in any order. Four facts depend on the set of observations
// only: state, occurrences, firstSeen and lastSeen. They follow from
//
//   - the oldest and the newest failure (firstSeen, lastSeen),
//   - the newest recovery (lastRecovered), kept while the issue is Active, too,
//   - the last reopening by a person (lastReopened),
//   - fingerprints of the newest 512 failures and recoveries by runs
//     (countedFailures).
//
// An issue is Resolved when lastRecovered is not older than both lastSeen and
// lastReopened: at the same time a failure comes before a recovery. Content
// (spec, excerpt, affected) is that of the newest report, by time of observation
// and then by the run's UID. How an Active issue ends is up to reports that do
// not expire, where there are any: they say who may recover it.
//
// A run recovers an issue once, whatever time its report gives when it is
// repeated: producers without a clock are understood as of now.
//
// Two limits are deliberate. A recovery that finds no issue is not remembered,
// so a failure that is older but arrives later opens one; the next recovery
// closes it. And of more than 512 failures, one that is older than the newest
// 512 and arrives after them all is taken for a repetition.
package issue
