// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package history tells failures that are news from those that were told before, or may
// have been.
package history

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Remembered is how long the server remembers at least what it was told, unless its
// --resolved-retention is shorter than by default.
const Remembered = 7 * 24 * time.Hour

// Past says that a failure is so old that its issue may have been resolved and removed:
// telling it again would open one anew. An issue that expires is resolved by the time the
// failure is expiresAfter old. Of a time that is not known nothing is past.
func Past(now, at time.Time, expiresAfter *metav1.Duration) bool {
	remembered := Remembered
	if expiresAfter != nil {
		remembered = min(remembered, expiresAfter.Duration)
	}
	return !at.IsZero() && now.Sub(at) > remembered
}
