// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSeconds(t *testing.T) {
	t.Parallel()
	for s, want := range map[float64]time.Duration{
		0: 0, 0.4: 0, 1.5: 2 * time.Second, 86400: day, 2000 * 365 * 86400: 9223372036 * time.Second,
	} {
		require.Equal(t, want, seconds(s).Duration, "%v", s)
	}
}
