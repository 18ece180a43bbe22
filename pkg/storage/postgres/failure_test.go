// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	testclock "k8s.io/utils/clock/testing"
)

func TestLogLimit(t *testing.T) {
	t.Parallel()
	clock := testclock.NewFakeClock(time.Unix(0, 0))
	limit := logLimit{clock: clock, interval: time.Minute}
	require.True(t, limit.allows("42P01"))
	require.False(t, limit.allows("42P01"))
	require.True(t, limit.allows("42501"), "another kind is news")
	clock.Step(time.Minute - 1)
	require.False(t, limit.allows("42P01"))
	clock.Step(1)
	require.True(t, limit.allows("42P01"), "what goes on is said again")
	require.False(t, limit.allows("42P01"))
}
