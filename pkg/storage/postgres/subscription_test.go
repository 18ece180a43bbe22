// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A bookmark that is due when history has been lost would hide the loss from a client
// that goes on from it.
func TestNoProgressAfterLostHistory(t *testing.T) {
	t.Parallel()
	f := newTestFeed(10)
	s := f.subscribe("/pods/", 10)
	t.Cleanup(s.cancel)
	s.wantProgress()
	events, upTo, _, err := s.poll()
	require.NoError(t, err)
	require.Empty(t, events)
	require.EqualValues(t, 10, upTo)

	require.NoError(t, f.publish(t.Context(), []*event{{rev: 50}}, 50))
	s.wantProgress()
	_, upTo, _, err = s.poll()
	require.ErrorIs(t, err, errCompacted)
	require.Zero(t, upTo)
}

func TestJumpLosesOnlyWhatIsBehind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		cursor int64
		want   error
	}{
		"seen all so far":          {"what came after 10 is gone", 10, errCompacted},
		"ahead, in what is gone":   {"what came after 30 is gone", 30, errCompacted},
		"at what was kept":         {"another process has told all up to 50", 50, nil},
		"ahead of what was kept":   {"another process has told all up to 60", 60, nil},
		"behind what is in memory": {"what came after 5 is gone, too", 5, errCompacted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newTestFeed(10)
			s := f.subscribe("/pods/", tc.cursor)
			t.Cleanup(s.cancel)
			require.NoError(t, f.publish(t.Context(), []*event{{rev: 50}}, 50))
			events, _, _, err := s.poll()
			require.Empty(t, events)
			require.ErrorIs(t, err, tc.want, tc.reason)
		})
	}
}
