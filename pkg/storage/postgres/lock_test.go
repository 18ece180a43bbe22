// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWritesWaitForTheLock: whoever holds the schema's lock is the only one to write, or
// two batches would get the same revisions.
func TestWritesWaitForTheLock(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	unlock := c.writeLock(t, engine)
	before := c.newest(t)
	written := make(chan error, 1)
	go func() { written <- store.Create(t.Context(), key("a"), newPod("a"), nil, 0) }()
	require.Eventually(t, func() bool { return c.waitingWriters(t, engine) == 1 || len(written) > 0 }, patience, time.Millisecond)
	require.Empty(t, written, "it did not wait")
	require.Equal(t, before, c.newest(t))
	unlock()
	require.NoError(t, <-written)
	require.Equal(t, before+1, c.newest(t))
}
