// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package issuegroupreport serves the resource issuegroupreports: the observation that
// what the members of a group share is gone. It resolves each Active member by the same
// decision as a report of that member, in one conditional write of its own; so watchers
// of every namespace see their own issues change, and a report that was broken off is
// completed by sending it again.
package issuegroupreport
