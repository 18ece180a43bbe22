// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// shippedRoles are the ClusterRoles that people and programs are given, by name.
func shippedRoles(t *testing.T) map[string]*rbacv1.ClusterRole {
	t.Helper()
	return clusterRoles(t, "../../artifacts/base/roles.yaml")
}

// clusterRoles are those of a manifest, by name.
func clusterRoles(t *testing.T, manifest string) map[string]*rbacv1.ClusterRole {
	t.Helper()
	content, err := os.ReadFile(manifest)
	require.NoError(t, err)
	out := map[string]*rbacv1.ClusterRole{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		role := &rbacv1.ClusterRole{}
		require.NoError(t, yaml.Unmarshal(document, &role.TypeMeta))
		if role.Kind != "ClusterRole" {
			continue
		}
		require.NoError(t, yaml.UnmarshalStrict(document, role))
		out[role.Name] = role
	}
}

// grant is a role of an account, in one namespace or, without, in all of the cluster.
type grant struct{ role, namespace string }

// accounts decides about resources as RBAC does for roles without names.
type accounts struct {
	roles  map[string]*rbacv1.ClusterRole
	grants map[string][]grant
}

func (c accounts) authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetUser().GetName() == "system:apiserver" {
		return authorizer.DecisionAllow, "", nil
	}
	resource := strings.TrimSuffix(a.GetResource()+"/"+a.GetSubresource(), "/")
	for _, g := range c.grants[a.GetUser().GetName()] {
		if g.namespace != "" && g.namespace != a.GetNamespace() {
			continue
		}
		for _, rule := range c.roles[g.role].Rules {
			if slices.Contains(rule.APIGroups, a.GetAPIGroup()) && slices.Contains(rule.Resources, resource) && slices.Contains(rule.Verbs, a.GetVerb()) {
				return authorizer.DecisionAllow, "", nil
			}
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// TestGroupRoles tries groups with the roles as they are shipped.
func TestGroupRoles(t *testing.T) {
	t.Parallel()
	roles := shippedRoles(t)
	for _, name := range []string{"kite-groups-view", "kite-groups-reporter"} {
		require.NotNil(t, roles[name])
		require.Empty(t, roles[name].Labels, "%s is part of no role that namespaces are given", name)
	}
	const own = "team-0"
	rbac := accounts{roles, map[string][]grant{
		"viewer":   {{"kite-issues-view", own}},
		"editor":   {{"kite-issues-view", own}, {"kite-issues-edit", own}},
		"reporter": {{"kite-issues-reporter", own}},
		"security": {{"kite-groups-view", ""}, {"kite-issues-view", ""}},
		"release":  {{"kite-groups-reporter", ""}},
		"outsider": nil,
	}}
	cfg := StartServer(t, WithAuthorizer(authorizer.AuthorizerFunc(rbac.authorize)))
	names := map[string]string{}
	for i, o := range outages() {
		names[o.namespace] = reportIn(t, cfg, o.namespace, o.report(v1alpha1.OutcomeFailed, i)).Issues[0].Name
	}
	const api = "/apis/issues.kite.dev/v1alpha1/"
	counts := func(ns string) string { return api + "namespaces/" + ns + "/issues/" + names[ns] + "/group" }
	cases := map[string]struct {
		reason       string
		method, path string
		body         any
		allowed      []string
	}{
		"Get":           {"every team's content", http.MethodGet, api + "issuegroups/" + cve, nil, []string{"security"}},
		"List":          {"every team's content", http.MethodGet, api + "issuegroups", nil, []string{"security"}},
		"Counts":        {"who sees the issue sees how many there are", http.MethodGet, counts(own), nil, []string{"viewer", "editor", "security"}},
		"ForeignCounts": {"the issue is another team's", http.MethodGet, counts("team-1"), nil, []string{"security"}},
		"Follow":        {"live", http.MethodGet, api + "issues?watch=true&timeoutSeconds=1&fieldSelector=spec.groupKey%3D" + cve, nil, []string{"security"}},
		"Resolve":       {"in every namespace", http.MethodPost, api + "issuegroupreports?dryRun=All", groupReport(cve, 100), []string{"release"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body []byte
			if tc.body != nil {
				body = mustJSON(t, tc.body)
			}
			for _, who := range []string{"viewer", "editor", "reporter", "security", "release", "outsider"} {
				code, answer, _ := Do(t.Context(), t, As(cfg, who), tc.method, tc.path, body)
				if slices.Contains(tc.allowed, who) {
					require.Less(t, code, 300, "%s: %s: %s", tc.reason, who, answer)
					continue
				}
				require.Equal(t, http.StatusForbidden, code, "%s: %s: %s", tc.reason, who, answer)
			}
		})
	}
}
