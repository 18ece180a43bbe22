// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/test/bench/workload"
)

// TestPopulation keeps the benchmarks honest: issues are valid, as large as the targets
// say, and as many of a sort as docs/benchmarks.md tells.
func TestPopulation(t *testing.T) {
	t.Parallel()
	p := workload.Population{Namespaces: 10, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	kind := p.Kind()
	size, active, grouped, frequent, rare, none := 0, 0, 0, 0, 0, 0
	claims := map[string]bool{}
	for i := range p.Size() {
		_, obj := kind.Make(i)
		data, err := runtime.Encode(kind.Store.Codec, obj)
		require.NoError(t, err)
		size += len(data)
		issue := obj.(*issues.Issue)
		require.Empty(t, validation.ValidateIssue(issue))
		require.False(t, issue.Status.LastSeen.After(p.Now))
		if claim := rules.Claim(issue); claim != "" {
			active++
			require.False(t, claims[claim], "two issues are one problem")
			claims[claim] = true
		}
		if issue.Spec.GroupKey != "" {
			grouped++
		}
		text := strings.ToLower(issue.Spec.Title)
		frequent += strings.Count(text, strings.ToLower(workload.FrequentText))
		rare += strings.Count(text, workload.RareText)
		none += strings.Count(text, workload.NoText)
	}
	require.InDelta(t, 1500, size/p.Size(), 300)
	require.Equal(t, p.Size()/10, active)
	require.Equal(t, p.Size()/50, grouped)
	require.InDelta(t, p.Size()/24, frequent, 150)
	require.Equal(t, 1, rare)
	require.Zero(t, none)
}
