// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/expression"
)

// TestTurns: a namespace has one place, all have a few, and who leaves takes none.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, end := expression.NewTurns(2, 1), make(chan struct{})
		begun, answers := make(chan string, 10), make(chan error, 10)
		begin := func(ctx context.Context, namespace string) {
			go func() {
				answers <- turns.Do(ctx, namespace, func() {
					begun <- namespace
					<-end
				})
			}()
			synctest.Wait()
		}
		begin(t.Context(), "a")
		begin(t.Context(), "a")
		require.Len(t, begun, 1, "the second waits for the first")
		begin(t.Context(), "a")
		require.ErrorIs(t, <-answers, expression.ErrBusy, "a third is one too many")
		begin(t.Context(), "b")
		require.Len(t, begun, 2, "another namespace does not wait")

		impatient, cancel := context.WithCancel(t.Context())
		begin(impatient, "c")
		begin(t.Context(), "c")
		require.Len(t, begun, 2, "there are two places")
		cancel()
		require.ErrorIs(t, <-answers, context.Canceled)

		end <- struct{}{}
		synctest.Wait()
		require.Len(t, begun, 3, "one ended, one began")
		close(end)
		synctest.Wait()
		require.Len(t, begun, 4, "all but who left and who was refused")
		for range 4 {
			require.NoError(t, <-answers)
		}
		begin(t.Context(), "a")
		require.NoError(t, <-answers, "nobody holds a place any longer")
	})
}
