// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSkippedIsNotTaken: a request of which everything was refused is refused, whatever in it
// says nothing.
func TestSkippedIsNotTaken(t *testing.T) {
	t.Parallel()
	refused := Outcome{Result: "Failed", problem: &Problem{Status: http.StatusForbidden, Detail: "no"}}
	skipped, taken := Outcome{Result: resultSkipped}, Outcome{Result: "Created"}
	var problem *Problem
	require.ErrorAs(t, refusalOf([]Outcome{refused, skipped}), &problem)
	require.Equal(t, http.StatusForbidden, problem.Status)
	require.NoError(t, refusalOf([]Outcome{refused, skipped, taken}))
	require.NoError(t, refusalOf([]Outcome{skipped}))
}
