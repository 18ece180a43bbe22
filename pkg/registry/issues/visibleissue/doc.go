// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package visibleissue serves the resource visibleissues: the issues of all namespaces
// in which the caller may list issues. It reads the storage of issues, one namespace
// after the other for lists, and all at once, filtered, for watches.
package visibleissue
