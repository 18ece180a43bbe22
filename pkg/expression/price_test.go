// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/expression"
)

// TestBombs: no expression takes memory or time that its author does not pay for, whatever
// a body brings. They run one after the other, as each one's memory is measured.
func TestBombs(t *testing.T) { //nolint:paralleltest // memory is the process's
	text := strings.Repeat("a", 64<<10)
	list := make([]any, 4096)
	for i := range list {
		list[i] = text[:i%10]
	}
	compared := 0
	others := make([]any, 4096)
	for i := range others {
		others[i] = unequal{compared: &compared}
	}
	keys := make(map[string]any, 4096)
	for i := range 4096 {
		keys[fmt.Sprint("key", i)] = i
	}
	x := map[string]any{"text": text, "list": list, "others": others, "keys": keys}
	cases := map[string]struct {
		reason string
		text   string
	}{
		"Replace":      {reason: "nothing is found everywhere", text: `x.text.replace("", x.text) == ""`},
		"ReplaceFirst": {reason: "an overload of the same name", text: `x.text.replace("", x.text, 65536) == ""`},
		"ReplaceAll":   {reason: "a character by a text", text: `x.text.replace("a", x.text) == ""`},
		"Join":         {reason: "a long separator", text: `x.list.join(x.text) == ""`},
		"JoinShared":   {reason: "a list holds one text often", text: `x.list.map(y, x.text).join() == ""`},
		"Format":       {reason: "lists within lists", text: `"%s".format(` + nested(8, "x.text") + `) == ""`},
		"Equal":        {reason: "the same lists are compared as often as they are held", text: nested(26, "x.list") + ` == []`},
		"Distinct":     {reason: "each member is compared with all", text: `x.others.distinct() == []`},
		"Sets":         {reason: "each member is compared with all", text: `sets.contains(x.others, x.others)`},
		"IndexOf":      {reason: "a text that agrees up to its end", text: `x.text.indexOf(x.text.substring(32768) + "b") == 0`},
		"LastIndexOf":  {reason: "a text that agrees up to its end", text: `x.text.lastIndexOf("b" + x.text.substring(32768)) == 0`},
		"Bind":         {reason: "a name for what a name holds", text: doubled(20, "[x.list]") + ` == []`},
		"Pattern":      {reason: "repetitions of repetitions", text: `x.text.matches("<" + "` + strings.Repeat(".{0,1000}", 9) + `" + ">")`},
		"PatternKnown": {reason: "a constant pattern is priced as well", text: `x.text.matches("` + strings.Repeat(".{0,100}", 30) + `b")`},
		"Find":         {reason: "in a loop", text: `x.list.all(y, x.text.find("a+b") == "")`},
		"Compare":      {reason: "texts of an unknown type", text: `x.list.all(y, x.text <= x.text)`},
		"Keys":         {reason: "a loop copies the keys, however soon it ends", text: `x.list.all(y, x.keys.exists(z, true))`},
		"CharAt":       {reason: "all characters are counted", text: `x.list.all(y, x.text.charAt(0) == "a")`},
		"Less":         {reason: "to know the price is work, too", text: `x.list.all(y, x.text > "a")`},
		"URL":          {reason: "what is no URL is read as well", text: `x.list.all(y, !isURL(x.text))`},
	}
	for name, tc := range cases { //nolint:paralleltest // as above
		t.Run(name, func(t *testing.T) {
			c := compiler(t)
			bomb := c.Boolean(tc.text, testPath)
			require.Empty(t, c.Errors(), "must be refused when it runs")
			compared = 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := expression.NewBudget(math.MaxInt64).Within(time.Hour).Evaluate(map[string]any{"x": x}).Boolean(t.Context(), bomb, false)
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, "cost", tc.reason)
			require.Zero(t, compared, tc.reason)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), tc.reason)
		})
	}
}

// unequal is a value that counts how often it was compared.
type unequal struct {
	types.Timestamp
	compared *int
}

func (unequal) Type() ref.Type          { return types.StringType }
func (u unequal) Equal(ref.Val) ref.Val { *u.compared++; return types.False }

// TestTime: whatever expressions cost, they end, and all of a budget together.
func TestTime(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	slow, cheap := c.Boolean(`x.all(y, y == null)`, testPath), c.Boolean(`true`, testPath)
	require.Empty(t, c.Errors())
	variables := map[string]any{"x": make([]any, 64<<10)}
	budget := expression.NewBudget(math.MaxInt64).Within(time.Nanosecond)
	_, err := budget.Evaluate(variables).Boolean(t.Context(), slow, false)
	require.ErrorIs(t, err, expression.ErrBudget)
	require.EqualError(t, err, "spec.items: the expressions cost too much together: they took more than 5s; go through shorter lists or texts")
	_, err = budget.Evaluate(variables).Boolean(t.Context(), cheap, false)
	require.ErrorIs(t, err, expression.ErrBudget, "not even a cheap one")

	budget = expression.NewBudget(math.MaxInt64).Within(time.Hour)
	_, err = budget.Evaluate(variables).Boolean(t.Context(), cheap, false)
	require.NoError(t, err)
	require.Less(t, budget.Time(), time.Hour, "what one has taken, others have no more")
}

// TestLimitIsExplained: who wrote an expression reads what can be done about it.
func TestLimitIsExplained(t *testing.T) {
	t.Parallel()
	c := compiler(t)
	costly := c.Boolean(`x.all(y, y == x[0] || y.indexOf(x[0]) < 0)`, testPath)
	require.Empty(t, c.Errors())
	x := append([]any{strings.Repeat("b", 1000)}, slices.Repeat([]any{strings.Repeat("a", 64<<10)}, 20)...)
	_, err := expression.NewBudget(math.MaxInt64).Evaluate(map[string]any{"x": x}).Boolean(t.Context(), costly, false)
	require.EqualError(t, err, "spec.items: operation cancelled: actual cost limit exceeded: "+
		"an expression may cost 1000000 units; nest fewer loops, or go through shorter lists or texts")
}

// TestPatternsCost, also one that is found everywhere.
func TestPatternsCost(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`x.findAll("").size() > 1`, `x.matches("")`, `x.find("b") == ""`} {
		c := compiler(t)
		found := c.Boolean(text, testPath)
		require.Empty(t, c.Errors())
		variables := map[string]any{"x": strings.Repeat("a", 20_000)}
		_, err := expression.NewBudget(20_000).Evaluate(variables).Boolean(t.Context(), found, false)
		require.ErrorIs(t, err, expression.ErrBudget, text)
		yes, err := expression.NewBudget(100_000).Within(time.Hour).Evaluate(variables).Boolean(t.Context(), found, false)
		require.NoError(t, err, text)
		require.True(t, yes, text)
	}
}

// TestForm: what cannot be compiled in a reasonable time is not.
func TestForm(t *testing.T) {
	t.Parallel()
	binds, loops, values := "true", "true", "true"
	for i := 30; i > 0; i-- {
		binds = fmt.Sprintf("cel.bind(a%d, {a%d: a%d}, %s)", i, i-1, i-1, binds)
		loops = fmt.Sprintf("[{a%d: a%d}].all(a%d, %s)", i-1, i-1, i, loops)
		values = fmt.Sprintf(`cel.bind(a%d, {"k": [a%d]}, %s)`, i, i-1, values)
	}
	const key = "a map's key must be a literal, or string(...)"
	for name, tc := range map[string]struct{ text, want string }{
		"Binds":   {"cel.bind(a0, {x: x}, " + binds + ")", "line 1, column 15: " + key},
		"Loops":   {"[{x: x}].all(a0, " + loops + ")", "line 1, column 3: " + key},
		"Values":  {"cel.bind(a0, x, " + values + ")", ""},
		"Keys":    {`{string(x): x, "a": x}.size() == 2`, ""},
		"Pattern": {`x.matches("` + strings.Repeat(".{0,1000}", 100) + `")`, "line 1, column 10: the pattern is too complex"},
		"Long":    {`x.find("` + strings.Repeat("a", 1025) + `") == ""`, "the pattern has more than 1024 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compiler(t)
			got := c.Boolean(tc.text, testPath)
			if tc.want == "" {
				require.Empty(t, c.Errors())
				return
			}
			require.Nil(t, got)
			require.Contains(t, c.Errors()[0].Detail, tc.want)
		})
	}
}

// TestFairPrices: what people write for an object of 200 members costs little.
func TestFairPrices(t *testing.T) {
	t.Parallel()
	items := make([]any, 200)
	for i := range items {
		items[i] = map[string]any{"name": "a-name-of-a-test", "result": "FAILURE"}
	}
	x := map[string]any{"items": items, "text": strings.Repeat("a line\n", 1000)}
	for name, text := range map[string]string{
		"Join":     `x.items.filter(y, y.result != "SUCCESS").map(y, y.name + ": " + y.result).join(", ") != ""`,
		"Exists":   `x.items.exists(y, y.result in ["ERROR", "FAILURE"])`,
		"Find":     `"items" in x && x["items"].size() == 200 && x.text.indexOf("line") == 2`,
		"Replace":  `x.text.replace("\n", " / ").size() > 1000`,
		"Matches":  `x.items.all(y, y.name.matches("^a-[a-z]+-of-a-test$")) && x.text.matches("line\\n.*line")`,
		"FindAll":  `x.text.findAll("l[a-z]+e").size() == 1000`,
		"Format":   `"%d tests, %s".format([x.items.size(), x.items[0].name]) == "200 tests, a-name-of-a-test"`,
		"Distinct": `x.items.map(y, y.name).distinct() == ["a-name-of-a-test"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := compiler(t)
			fair := c.Boolean(text, testPath)
			require.Empty(t, c.Errors())
			yes, err := expression.NewBudget(150_000).Within(time.Hour).Evaluate(map[string]any{"x": x}).Boolean(t.Context(), fair, false)
			require.NoError(t, err)
			require.True(t, yes)
		})
	}
}

// nested is a list of two lists of two lists, each of them the same.
func nested(depth int, of string) string {
	out := "[y, y]"
	for range depth {
		out = "[" + out + "].map(y, [y, y])"
	}
	return "[" + of + "].map(y, " + out + ")"
}

// doubled is a sum that every name makes twice as long.
func doubled(times int, of string) string {
	out := of
	for range times {
		out = "cel.bind(y, " + out + ", y + y)"
	}
	return out
}
