// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

// Config says what the storage of issues depends on beside the issues.
type Config struct {
	// MaxActive is how many issues of a namespace may be Active. Defaults to any number.
	MaxActive int64
	// NamespaceUIDs tells under which UIDs history is kept. Optional.
	NamespaceUIDs NamespaceUIDs
}
