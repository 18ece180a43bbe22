// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	client := discovery.NewDiscoveryClientForConfigOrDie(StartServer(t))

	list, err := client.ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	require.NoError(t, err)
	_, aggregated, failed, err := client.GroupsAndMaybeResources()
	require.NoError(t, err)
	require.Empty(t, failed)
	require.Contains(t, aggregated, v1alpha1.SchemeGroupVersion)

	for how, resources := range map[string][]metav1.APIResource{
		"v1":         list.APIResources,
		"aggregated": aggregated[v1alpha1.SchemeGroupVersion].APIResources,
	} {
		issues := find(t, resources, "issues")
		require.True(t, issues.Namespaced, how)
		require.Equal(t, "Issue", issues.Kind, how)
		require.Equal(t, "issue", issues.SingularName, how)
		require.Equal(t, []string{"iss"}, issues.ShortNames, how)
		require.Equal(t, []string{"kite"}, issues.Categories, how)
		require.ElementsMatch(t, issues.Verbs, []string{
			"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
		}, how)
		for _, subresource := range []string{"issues/status", "issues/resolve", "issues/reopen", "issues/acknowledge", "issues/group"} {
			require.True(t, find(t, resources, subresource).Namespaced, how)
		}
		reports := find(t, resources, "issuereports")
		require.True(t, reports.Namespaced, how)
		require.Equal(t, metav1.Verbs{"create"}, reports.Verbs, how)
		require.Empty(t, reports.Categories, "%s: what cannot be listed breaks `kubectl get kite`", how)
		groups := find(t, resources, "issuegroups")
		require.False(t, groups.Namespaced, how)
		require.Equal(t, []string{"ig"}, groups.ShortNames, how)
		require.ElementsMatch(t, metav1.Verbs{"get", "list"}, groups.Verbs, how)
		require.Empty(t, groups.Categories, "%s: who may read a namespace may not read groups", how)
		groupReports := find(t, resources, "issuegroupreports")
		require.False(t, groupReports.Namespaced, how)
		require.Equal(t, metav1.Verbs{"create"}, groupReports.Verbs, how)
		monitors, overAll := find(t, resources, "issuemonitors"), find(t, resources, "clusterissuemonitors")
		require.True(t, monitors.Namespaced, how)
		require.Equal(t, []string{"kite"}, monitors.Categories, how)
		require.ElementsMatch(t, issues.Verbs, monitors.Verbs, how)
		require.False(t, overAll.Namespaced, how)
		require.Equal(t, "clusterissuemonitor", overAll.SingularName, how)
		require.Empty(t, overAll.Categories, how)
		require.ElementsMatch(t, issues.Verbs, overAll.Verbs, how)
		webhooks := find(t, resources, "issuewebhooks")
		require.True(t, webhooks.Namespaced, how)
		require.Equal(t, []string{"kite"}, webhooks.Categories, how)
		require.ElementsMatch(t, issues.Verbs, webhooks.Verbs, how)
	}
}

func find(t *testing.T, resources []metav1.APIResource, name string) metav1.APIResource {
	t.Helper()
	i := slices.IndexFunc(resources, func(r metav1.APIResource) bool { return r.Name == name })
	require.GreaterOrEqual(t, i, 0, "no resource %s", name)
	return resources[i]
}

var servedKinds = []string{
	"Issue", "IssueList", "IssueReport", "IssueResolution", "IssueReopening", "IssueAcknowledgement",
	"IssueGroup", "IssueGroupList", "IssueGroupReport",
	"VisibleIssue", "VisibleIssueList", "IssueSummary", "IssueSummaryList",
	"IssueMonitor", "IssueMonitorList", "ClusterIssueMonitor", "ClusterIssueMonitorList",
	"IssueWebhook", "IssueWebhookList",
}

func TestOpenAPIV2(t *testing.T) {
	t.Parallel()
	doc, err := discovery.NewDiscoveryClientForConfigOrDie(StartServer(t)).OpenAPISchema()
	require.NoError(t, err)
	described := map[string]string{}
	for _, definition := range doc.GetDefinitions().GetAdditionalProperties() {
		described[definition.GetName()] = definition.GetValue().GetDescription()
	}
	for _, kind := range servedKinds {
		require.NotEmpty(t, described["dev.kite.issues.v1alpha1."+kind], kind)
	}
}

func TestOpenAPIV3(t *testing.T) {
	t.Parallel()
	paths, err := discovery.NewDiscoveryClientForConfigOrDie(StartServer(t)).OpenAPIV3().Paths()
	require.NoError(t, err)
	content, err := paths["apis/issues.kite.dev/v1alpha1"].Schema("application/json")
	require.NoError(t, err)

	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Description string
				Properties  map[string]struct{ Description string }
				GVKs        []metav1.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(content, &doc))
	for _, kind := range servedKinds {
		schema := doc.Components.Schemas["dev.kite.issues.v1alpha1."+kind]
		require.NotEmpty(t, schema.Description, kind)
		require.Contains(t, schema.GVKs, metav1.GroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind(kind)), kind)
		for field, property := range schema.Properties {
			require.NotEmpty(t, property.Description, "%s.%s: kubectl explain shows nothing", kind, field)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	for _, path := range []string{"/livez", "/readyz", "/healthz", "/readyz/postgres", "/version", "/metrics"} {
		code, body := Get(t.Context(), t, cfg, path)
		require.Equal(t, http.StatusOK, code, "%s: %s", path, body)
	}
	_, livez := Get(t.Context(), t, cfg, "/livez?verbose")
	require.NotContains(t, string(livez), "postgres", "a restart mends no database")
	_, metrics := Get(t.Context(), t, cfg, "/metrics")
	for _, metric := range []string{"apiserver_request_total", "apiserver_audit_event_total"} {
		require.Contains(t, string(metrics), metric)
	}
}
