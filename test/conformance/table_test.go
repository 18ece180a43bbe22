// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const upstreamPackage = "k8s.io/apiserver/pkg/storage/testing"

var (
	testFunction = regexp.MustCompile(`^Run(Optional)?(Test|Watch|Send)`)
	tableSummary = regexp.MustCompile(`Of the \d+ functions of \S+, \d+ run raw and \d+ cached`)
	tableRow     = regexp.MustCompile(`(?m)^\| (Run\w+) \| (\S+) \| (\S+) \| (.*) \|$`)
)

// row says whether a function runs raw and cached, and why it does not.
type row struct{ raw, cached, why string }

// TestTable holds the table of the documentation to what upstream offers and to what
// this package calls.
func TestTable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "developer", "conformance.md"))
	require.NoError(t, err)
	table := readTable(t, string(doc))
	require.ElementsMatch(t, upstreamFunctions(t), slices.Collect(maps.Keys(table)), "want a row for each function")

	raw := ran(t, table, "Raw", "raw_test.go", func(r row) string { return r.raw })
	cached := ran(t, table, "Cached", "cached_test.go", func(r row) string { return r.cached })
	summary := fmt.Sprintf("Of the %d functions of %s, %d run raw and %d cached", len(table), upstreamVersion(t), raw, cached)
	require.Equal(t, summary, tableSummary.FindString(string(doc)))
}

func readTable(t *testing.T, doc string) map[string]row {
	t.Helper()
	table := map[string]row{}
	for _, match := range tableRow.FindAllStringSubmatch(doc, -1) {
		require.NotContains(t, table, match[1], "a second row")
		table[match[1]] = row{raw: match[2], cached: match[3], why: match[4]}
	}
	return table
}

// ran counts the functions that run in one way, those that its file calls. The table
// gives a reason for all others.
func ran(t *testing.T, table map[string]row, way, file string, cell func(row) string) int {
	t.Helper()
	calls := calledIn(t, file)
	for name, r := range table {
		switch cell(r) {
		case "yes":
			require.True(t, calls[name], "%s does not call %s, which the table says it runs", file, name)
		case "–":
			require.False(t, calls[name], "%s calls %s, which the table says it does not run", file, name)
			require.Regexp(t, `(^|\. )`+way+`: \S`, r.why, "%s needs a reason", name)
		default:
			require.Fail(t, "neither yes nor –", "%s: %s", name, cell(r))
		}
	}
	return len(calls)
}

func upstreamFunctions(t *testing.T) []string {
	t.Helper()
	pkg, err := build.Import(upstreamPackage, ".", build.FindOnly)
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(pkg.Dir, "*.go"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		for _, decl := range parse(t, file).Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && testFunction.MatchString(f.Name.Name) {
				names = append(names, f.Name.Name)
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

func upstreamVersion(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	match := regexp.MustCompile(`k8s\.io/apiserver (v\S+)`).FindSubmatch(mod)
	require.NotNil(t, match)
	return string(match[1])
}

// calledIn is the set of upstream's functions that a file of this package calls.
func calledIn(t *testing.T, file string) map[string]bool {
	t.Helper()
	calls := map[string]bool{}
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); ok && testFunction.MatchString(f.Sel.Name) {
			if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "storagetesting" {
				calls[f.Sel.Name] = true
			}
		}
		return true
	})
	return calls
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	return parsed
}
