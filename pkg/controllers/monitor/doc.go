// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package monitor acts on IssueMonitors and ClusterIssueMonitors: it watches what they
// name, and reports the objects that fail and recover.
//
//	monitors ──▶ attachment: one goroutine gives each monitor its source
//	                 │ discovery, own rights
//	source (one informer for all monitors of a resource)
//	                 │ every object, in the source's goroutine of the monitor
//	             findings: verdict and identity of each object
//	                 │ identities that changed
//	             queue ──▶ workers: compare what fails with what is Active, and report
//	                 ▲
//	             Active issues, by the monitor that they name as their source
//
// What fails is compared with what is Active, so nothing has to be remembered: a monitor
// that was deleted or changed, and an object that went away while nobody looked, leave
// issues that no failure stands behind any longer, and these are resolved.
//
// Locks: whoever evaluates an object has its namespace's turn, and takes the other locks
// meanwhile; it asks the API for nothing. A
// watcher's mutex is held only to read or change its maps, never while somebody evaluates,
// reports, or waits for the controller's own mutex.
package monitor
