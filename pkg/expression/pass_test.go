// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"fmt"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/expression"
)

// TestPasses: however long a loop is, each pass takes as long as the first, and costs as much.
func TestPasses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"All":         `x.list.all(a, type(a) == int)`,
		"Exists":      `x.list.exists(a, type(a) == string)`,
		"ExistsOne":   `x.list.exists_one(a, type(a) == string)`,
		"Map":         `x.list.map(a, type(a))`,
		"MapSome":     `x.list.map(a, a > 0, type(a))`,
		"Filter":      `x.list.filter(a, type(a) == string)`,
		"Conditions":  `x.list.all(a, (a > 5 ? type(a) == int : true) && (a < 5 || type(a) == int))`,
		"Keys":        `x.keys.all(a, type(a) == string)`,
		"Values":      `x.keys.all(a, b, type(b) == int)`,
		"Bound":       `cel.bind(l, x.list, l.all(a, type(a) == int))`,
		"Made":        `x.list.map(a, [a]).all(a, type(a) == list)`,
		"Chosen":      `(x.list.size() > 0 ? x.list : []).all(a, type(a) == int)`,
		"Index":       `x["list"].all(a, type(a) == int)`,
		"Optional":    `x.?list.orValue([]).all(a, type(a) == int)`,
		"OptionalMap": `x.?list.optMap(l, l.all(a, type(a) == int)).orValue(false)`,
		"Inner":       `x.list.all(a, [1, 2].all(b, type(b) == int))`,
		"Outer":       `[1, 2].all(b, x.list.all(a, type(a) == int))`,
		"After":       `x.list.all(a, a >= 0) && type(x) == map`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			language, err := expression.NewLanguage(map[string]*cel.Type{"x": cel.DynType})
			require.NoError(t, err)
			few, some, err := language.Kept(text, members(10))
			require.NoError(t, err)
			require.NotZero(t, few)
			many, most, err := language.Kept(text, members(1000))
			require.NoError(t, err)
			require.Equal(t, few, many)
			require.InDelta(t, 100, float64(most)/float64(some), 25)
		})
	}
}

// members are n of a list and of a map.
func members(n int) map[string]any {
	list, keys := make([]any, n), make(map[string]any, n)
	for i := range list {
		list[i], keys[fmt.Sprint("key", i)] = int64(i), int64(i)
	}
	return map[string]any{"x": map[string]any{"list": list, "keys": keys}}
}
