// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"github.com/stretchr/testify/require"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestLegacyDiscovery(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	list := get[metav1.APIResourceList](t, m.developer, "/apis/issues.kite.dev/v1alpha1", "application/json")
	have := map[string][]string{}
	for _, resource := range list.APIResources {
		have[resource.Name] = resource.Verbs
	}
	require.ElementsMatch(t, []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}, have["issues"])
	require.ElementsMatch(t, []string{"get", "patch", "update"}, have["issues/status"])
	for _, name := range []string{"issues/resolve", "issues/reopen", "issues/acknowledge", "issuereports"} {
		require.Equal(t, []string{"create"}, have[name], name)
	}
	groups := get[metav1.APIGroupList](t, m.developer, "/apis", "application/json")
	require.True(t, slices.ContainsFunc(groups.Groups, func(g metav1.APIGroup) bool { return g.Name == v1alpha1.GroupName }))
}

// TestAggregatedDiscovery is one document for the whole cluster, which kube-apiserver
// puts together.
func TestAggregatedDiscovery(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	var version apidiscoveryv2.APIVersionDiscovery
	eventually(t, "kube-apiserver has what the replicas serve now", func(context.Context) error {
		all := get[apidiscoveryv2.APIGroupDiscoveryList](t, m.developer, "/apis",
			"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		i := slices.IndexFunc(all.Items, func(g apidiscoveryv2.APIGroupDiscovery) bool { return g.Name == v1alpha1.GroupName })
		if i < 0 {
			return fmt.Errorf("there are %d groups, and not this one", len(all.Items))
		}
		version = all.Items[i].Versions[0]
		if version.Freshness != apidiscoveryv2.DiscoveryFreshnessCurrent {
			return fmt.Errorf("it is %s", version.Freshness)
		}
		return nil
	})
	j := slices.IndexFunc(version.Resources, func(r apidiscoveryv2.APIResourceDiscovery) bool { return r.Resource == "issues" })
	require.GreaterOrEqual(t, j, 0)
	issues := version.Resources[j]
	require.Equal(t, "issue", issues.SingularResource)
	require.Equal(t, []string{"iss"}, issues.ShortNames)
	require.Equal(t, []string{"kite"}, issues.Categories)
	require.Equal(t, apidiscoveryv2.ScopeNamespace, issues.Scope)
	require.Len(t, issues.Subresources, 5)
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := discovery.NewDiscoveryClientForConfigOrDie(m.developer)
	paths, err := client.OpenAPIV3().Paths()
	require.NoError(t, err)
	require.Contains(t, paths, "apis/issues.kite.dev/v1alpha1")
	v3, err := paths["apis/issues.kite.dev/v1alpha1"].Schema("application/json")
	require.NoError(t, err)
	require.Contains(t, string(v3), `"dev.kite.issues.v1alpha1.Issue"`)
	v2, err := client.OpenAPISchema()
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(v2.GetPaths().GetPath(), func(p *openapi_v2.NamedPathItem) bool {
		return p.GetName() == "/apis/issues.kite.dev/v1alpha1/namespaces/{namespace}/issues"
	}))
}

// TestNonResourcePaths shows that probes need no credentials, and metrics do.
func TestNonResourcePaths(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	for _, replica := range replicas(t, m.host) {
		nobody := direct(t, m.host, &replica, "")
		for path, want := range map[string]int{
			"/livez": http.StatusOK, "/readyz": http.StatusOK, "/healthz": http.StatusOK,
			"/metrics": http.StatusForbidden, "/debug/pprof/": http.StatusForbidden, "/apis/issues.kite.dev/v1alpha1/issues": http.StatusForbidden,
		} {
			code, body := do(t, nobody, http.MethodGet, path, "", nil)
			require.Equal(t, want, code, "%s: %s", path, body)
		}
	}
}
