// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/expression"
)

var testPath = field.NewPath("spec", "items")

// compiler knows the variable x, of any type.
func compiler(t testing.TB) *expression.Compiler {
	t.Helper()
	language, err := expression.NewLanguage(map[string]*cel.Type{"x": cel.DynType})
	require.NoError(t, err)
	return language.Compiler()
}

func TestList(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		text   string
		x      any
		want   []string // what x + "!" gives for each member
		fails  string
	}{
		"Variable": {reason: "a list as JSON has it", text: `x`, x: []any{"a", "b"}, want: []string{"a!", "b!"}},
		"Made":     {reason: "a list that an expression makes", text: `x.filter(y, y != "a").map(y, y + y)`, x: []any{"a", "b"}, want: []string{"bb!"}},
		"Literal":  {reason: "a list of one type", text: `["a"]`, want: []string{"a!"}},
		"Empty":    {reason: "nothing is a list, too", text: `[]`},
		"Object":   {reason: "what has keys is no list", text: `x`, x: map[string]any{"a": "b"}, fails: "spec.items: gave map, not a list"},
		"Null":     {reason: "null is no empty list", text: `x`, x: nil, fails: "spec.items: gave null_type, not a list"},
		"Long":     {reason: "a list is bounded", text: `x`, x: []any{"a", "b", "c"}, fails: "spec.items: gave more than 2 items"},
		"Missing":  {reason: "an error names the expression", text: `x.y`, x: map[string]any{}, fails: "spec.items: no such key: y"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compiler(t)
			list, member := c.List(tc.text, testPath), c.Text(`x + "!"`, testPath, nil)
			require.Empty(t, c.Errors())
			budget := expression.NewBudget(1000)
			members, err := budget.Evaluate(map[string]any{"x": tc.x}).List(t.Context(), list, 2)
			if tc.fails != "" {
				require.EqualError(t, err, tc.fails, tc.reason)
				require.ErrorAs(t, err, new(*expression.Error), tc.reason)
				return
			}
			require.NoError(t, err, tc.reason)
			var got []string
			for _, x := range members {
				text, err := budget.Evaluate(map[string]any{"x": x}).Text(t.Context(), member)
				require.NoError(t, err, tc.reason)
				got = append(got, text)
			}
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
}

// TestListRefused: what can be no list is found before there is a value.
func TestListRefused(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	require.Nil(t, c.List(`"a"`, testPath))
	require.Len(t, c.Errors(), 1)
	require.Equal(t, "spec.items", c.Errors()[0].Field)
	require.Equal(t, "line 1, column 1: must give list, but gives string", c.Errors()[0].Detail)
}

// TestCompilerStops: many expressions of one object are bounded together, and what is over the
// bound costs nothing.
func TestCompilerStops(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	text := `"` + strings.Repeat("a", 4094) + `"`
	for range 8 {
		require.NotNil(t, c.Text(text, testPath, nil))
	}
	require.Empty(t, c.Errors())
	require.Nil(t, c.Text(`"a"`, testPath.Index(8), nil))
	require.Len(t, c.Errors(), 1)
	require.Equal(t, `spec.items[8]: Invalid value: the expressions have more than 32768 bytes together`, c.Errors()[0].Error())
}

// TestBudget is for all expressions together; what is over it stays so.
func TestBudget(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	costly, cheap := c.Boolean(`x.all(y, y == y)`, field.NewPath("costly")), c.Boolean(`true`, field.NewPath("cheap"))
	require.Empty(t, c.Errors())
	variables := map[string]any{"x": make([]any, 100)}
	budget := expression.NewBudget(1000)
	yes, err := budget.Evaluate(variables).Boolean(t.Context(), costly, false)
	require.NoError(t, err)
	require.True(t, yes)

	_, err = budget.Evaluate(variables).Boolean(t.Context(), costly, false)
	require.ErrorIs(t, err, expression.ErrBudget)
	require.EqualError(t, err, "costly: the expressions cost too much together")
	_, err = budget.Evaluate(variables).Boolean(t.Context(), cheap, false)
	require.ErrorIs(t, err, expression.ErrBudget, "not even a cheap one")
	_, err = expression.NewBudget(1000).Evaluate(variables).Boolean(t.Context(), cheap, false)
	require.NoError(t, err)
}

// TestAbsent expressions have no value, and cost nothing.
func TestAbsent(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	require.Nil(t, c.Boolean("", testPath))
	e := expression.NewBudget(0).Evaluate(nil)
	yes, err := e.Boolean(t.Context(), nil, true)
	require.NoError(t, err)
	require.True(t, yes)
	text, err := e.Text(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, text)
}

// TestTexts: a check is made of values, too, and the first error ends it.
func TestTexts(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	refuse := func(value string) string {
		if value == "bad" {
			return "must not be bad"
		}
		return ""
	}
	good, checked := c.Text(`"good"`, field.NewPath("good"), refuse), c.Text(`x`, field.NewPath("checked"), refuse)
	require.Nil(t, c.Text(`"bad"`, field.NewPath("constant"), refuse))
	require.Len(t, c.Errors(), 1)

	first, second, third := "", "", ""
	err := expression.NewBudget(1000).Evaluate(map[string]any{"x": "bad"}).Texts(t.Context(),
		expression.Target{From: good, To: &first}, expression.Target{From: checked, To: &second}, expression.Target{From: good, To: &third})
	require.ErrorAs(t, err, new(*expression.Error))
	require.EqualError(t, err, "checked: must not be bad")
	require.Equal(t, []string{"good", "", ""}, []string{first, second, third})
}
