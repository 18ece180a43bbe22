// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package sweep makes time pass for issues: they expire, acknowledgements end, due dates
// pass, what has been Resolved for long leaves the API, and history is forgotten.
//
// Every server does all of it, and none leads: what is due follows from the issue and the
// time, each change is an ordinary conditional write, which watches see, and whoever comes
// second finds nothing to do.
package sweep
