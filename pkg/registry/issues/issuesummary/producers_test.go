// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"k8s.io/utils/clock"
)

// TestProducersNamesAreText: a user with a name that no table holds keeps nobody else's
// from being noted.
func TestProducersNamesAreText(t *testing.T) {
	t.Parallel()
	engine, conn := openWorld(t)
	p := NewProducers(engine, nil, clock.RealClock{})
	long := strings.Repeat("l", maxName)
	for _, name := range []string{"ann", "nul\x00", "\xff", long, long + "x", strings.Repeat("random", 2000)} {
		p.Note("team", name)
	}
	require.NoError(t, p.write(t.Context()))
	rows, err := conn.Query(t.Context(), "SELECT name FROM issue_producers ORDER BY name")
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"ann", long}, names)
}
