// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/controllers/history"
)

func TestPast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 9, 12, 0, 0, 0, time.UTC)
	expires := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	cases := map[string]struct {
		reason       string
		at           time.Time
		expiresAfter *metav1.Duration
		want         bool
	}{
		"Remembered":  {"what was resolved is still there", now.Add(-history.Remembered), nil, false},
		"Forgotten":   {"it may be gone", now.Add(-history.Remembered - 1), nil, true},
		"Unexpired":   {"the issue would be Active", now.Add(-time.Hour), expires(time.Hour), false},
		"Expired":     {"the issue would expire at once", now.Add(-time.Hour - 1), expires(time.Hour), true},
		"LongExpiry":  {"the server forgets earlier", now.Add(-history.Remembered - 1), expires(1000 * time.Hour), true},
		"Future":      {"a clock is ahead", now.Add(time.Hour), nil, false},
		"UnknownTime": {"nobody knows", time.Time{}, nil, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, history.Past(now, tc.at, tc.expiresAfter), tc.reason)
		})
	}
}
