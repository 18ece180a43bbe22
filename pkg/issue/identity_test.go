// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

type vector struct {
	Identity struct {
		Namespace      string            `json:"namespace"`
		Type           string            `json:"type"`
		ScopeGroup     string            `json:"scopeGroup"`
		ScopeKind      string            `json:"scopeKind"`
		ScopeNamespace string            `json:"scopeNamespace"`
		ScopeName      string            `json:"scopeName"`
		Stage          issues.IssueStage `json:"stage"`
		Key            string            `json:"key"`
	} `json:"identity"`
	Hash  string   `json:"hash"`
	Names []string `json:"names"`
}

// Golden vectors are never regenerated: names and claims in databases depend on
// them.
func TestIdentityGolden(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/identity.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		require.Equal(t, v.Hash, issue.Identity(v.Identity).Hash())
		require.Equal(t, v.Names, issue.Identity(v.Identity).Names())
	}
}

func TestIdentityTellsProblemsApart(t *testing.T) {
	t.Parallel()
	base := issue.Identity{
		Namespace: "n", Type: "build", ScopeGroup: "g", ScopeKind: "Component",
		ScopeNamespace: "n", ScopeName: "checkout", Stage: issues.StagePullRequest, Key: "41",
	}
	cases := map[string]struct {
		reason string
		change func(*issue.Identity)
	}{
		"Namespace":      {reason: "tenants never share a problem", change: func(i *issue.Identity) { i.Namespace = "m" }},
		"Type":           {reason: "a test is no build", change: func(i *issue.Identity) { i.Type = "test" }},
		"ScopeGroup":     {reason: "kinds of two groups differ", change: func(i *issue.Identity) { i.ScopeGroup = "h" }},
		"ScopeKind":      {reason: "a kind is compared exactly", change: func(i *issue.Identity) { i.ScopeKind = "component" }},
		"ScopeNamespace": {reason: "a resource of another namespace is another", change: func(i *issue.Identity) { i.ScopeNamespace = "m" }},
		"ScopeName":      {reason: "two components that share a pipeline are two problems", change: func(i *issue.Identity) { i.ScopeName = "cart" }},
		"Stage":          {reason: "a green pull request never resolves a red push", change: func(i *issue.Identity) { i.Stage = issues.StagePush }},
		"Key":            {reason: "a green pull request 42 never resolves a red 41", change: func(i *issue.Identity) { i.Key = "42" }},
		"Boundary":       {reason: "lengths keep parts from running together", change: func(i *issue.Identity) { i.ScopeGroup, i.ScopeKind = "gC", "omponent" }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := base
			tc.change(&other)
			require.NotEqual(t, base.Hash(), other.Hash(), tc.reason)
		})
	}
}

func TestIdentityDefaultsScopeNamespace(t *testing.T) {
	t.Parallel()
	spec := issues.IssueSpec{Scope: issues.IssueScope{Kind: "Component", Name: "checkout"}}
	short := issue.IdentityOf("team-gamma", &spec)
	spec.Scope.Namespace = "team-gamma"
	require.Equal(t, short, issue.IdentityOf("team-gamma", &spec))
}

func TestClaim(t *testing.T) {
	t.Parallel()
	active := apply(nil, failed(1)).Issue
	require.Len(t, issue.Claim(active), 64)
	resolved := apply(active, succeeded(2)).Issue
	require.Empty(t, issue.Claim(resolved), "a Resolved issue leaves room for another")
	require.Equal(t, issue.Claim(active), issue.Claim(apply(resolved, failed(3)).Issue))
}

func FuzzNames(f *testing.F) {
	f.Add("build", "Component", "checkout")
	f.Add("", "", "")
	f.Add("---", "Ä", "\x00\xff")
	f.Add(strings.Repeat("t", 63), "K", "n")
	f.Add("runtime", "Pod", strings.Repeat("a.", 126))
	f.Add("a", "b", strings.Repeat("-", 40)+"x")
	f.Fuzz(func(t *testing.T, kind, scopeKind, scopeName string) {
		identity := issue.Identity{Type: kind, ScopeKind: scopeKind, ScopeName: scopeName}
		names := identity.Names()
		require.Len(t, names, 3)
		for i, digits := range []int{8, 12, 16} {
			require.Empty(t, validation.IsDNS1123Label(names[i]), names[i])
			require.True(t, strings.HasSuffix(names[i], identity.Hash()[:digits]))
		}
	})
}
