// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/expression"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		text   string
		x      any
		fails  string
	}{
		"List":    {reason: "as an annotation holds it", text: `parseJSON(x)[0].scenario == "e2e"`, x: `[{"scenario": "e2e"}]`},
		"Integer": {reason: "whole numbers are integers, as in objects", text: `parseJSON(x).failures + 1 == 3`, x: `{"failures": 2}`},
		"Absent":  {reason: "what it gives can be asked for a field", text: `!has(parseJSON(x).result)`, x: `{}`},
		"Null":    {reason: "null is a value", text: `parseJSON(x) == null`, x: `null`},
		"Broken":  {reason: "what is no JSON is an error", text: `parseJSON(x) == 1`, x: `{`, fails: "parse JSON: unexpected end of JSON input"},
		"Number":  {reason: "only texts are parsed", text: `parseJSON(x) == 1`, x: 1, fails: "no such overload"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compiler(t)
			condition := c.Boolean(tc.text, testPath)
			require.Empty(t, c.Errors())
			yes, err := expression.NewBudget(1000).Evaluate(map[string]any{"x": tc.x}).Boolean(t.Context(), condition, false)
			if tc.fails != "" {
				require.ErrorContains(t, err, tc.fails, tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			require.True(t, yes, tc.reason)
		})
	}
}

// TestParseJSONCosts what its text is long, before and when it is evaluated.
func TestParseJSONCosts(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	require.Nil(t, c.Boolean(`x.all(y, x.all(z, parseJSON(z) == y))`, testPath), "parsing in two loops")
	require.Len(t, c.Errors(), 1)
	require.Contains(t, c.Errors()[0].Detail, "times more than an expression is allowed")

	c = compiler(t)
	condition := c.Boolean(`parseJSON(x) == "a"`, testPath)
	require.Empty(t, c.Errors())
	text := `"` + strings.Repeat("a", 10_000) + `"`
	_, err := expression.NewBudget(9_000).Evaluate(map[string]any{"x": text}).Boolean(t.Context(), condition, false)
	require.ErrorIs(t, err, expression.ErrBudget)
	_, err = expression.NewBudget(20_000).Evaluate(map[string]any{"x": text}).Boolean(t.Context(), condition, false)
	require.NoError(t, err)
}

// TestBind gives a name to what an expression needs more than once.
func TestBind(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	text := c.Text(`cel.bind(y, x + "!", y + y)`, testPath, nil)
	require.Empty(t, c.Errors())
	got, err := expression.NewBudget(1000).Evaluate(map[string]any{"x": "a"}).Text(t.Context(), text)
	require.NoError(t, err)
	require.Equal(t, "a!a!", got)
}

// TestSumsCost what they make: an author cannot let a body grow without end.
func TestSumsCost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		x    any
		base string
	}{
		"Text": {strings.Repeat("x", 100_000), "x"},
		"List": {make([]any, 100_000), "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doubled := tc.base
			for range 12 {
				doubled = "cel.bind(y, " + doubled + " + " + tc.base + ", y + y)"
			}
			c := compiler(t)
			grows := c.Boolean("["+doubled+"].size() > 0", testPath)
			require.Empty(t, c.Errors())
			_, err := expression.NewBudget(1_000_000).Evaluate(map[string]any{"x": tc.x}).Boolean(t.Context(), grows, false)
			require.Error(t, err)
		})
	}
}

// TestReads names the variables that any expression reads, and no others.
func TestReads(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	require.NotNil(t, c.Text(`"x"`, testPath, nil))
	require.NotNil(t, c.Boolean(`["x"].all(y, y == "x")`, testPath))
	require.False(t, c.Reads("x"), "a text is no variable")
	require.NotNil(t, c.Boolean(`[1].exists(y, y == x.z)`, testPath))
	require.True(t, c.Reads("x"))
	require.False(t, c.Reads("z"), "a field is no variable")
}
