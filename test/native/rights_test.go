// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// right is one request that needs one permission. Writes are dry runs, so every
// account finds the same.
type right struct {
	method, path string
	body         string
	contentType  string
	// allowed are the accounts that may, in their own namespace.
	allowed []string
}

const (
	viewer     = "viewer"     // view in the namespace
	developer  = "developer"  // edit in the namespace
	reporter   = "reporter"   // kite-issues-reporter in the namespace
	controller = "controller" // changes issues/status in the namespace
	auditor    = "auditor"    // view in every namespace
)

const (
	mergePatch  = "application/merge-patch+json"
	jsonContent = "application/json"
	dryRun      = "?dryRun=All"
)

func rights(t testing.TB, existing *v1alpha1.Issue) map[string]right {
	t.Helper()
	changed := existing.DeepCopy()
	changed.Spec.Title = "Changed"
	update := string(mustJSON(t, changed))
	issue := "issues/" + existing.Name
	readers, writers := []string{viewer, developer, auditor}, []string{developer}
	return map[string]right{
		"get":              {http.MethodGet, issue, "", "", readers},
		"list":             {http.MethodGet, "issues", "", "", readers},
		"watch":            {http.MethodGet, "issues?watch=true&timeoutSeconds=1", "", "", readers},
		"watch one":        {http.MethodGet, "issues?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=" + existing.Name, "", "", readers},
		"get summary":      {http.MethodGet, "issuesummaries/summary", "", "", readers},
		"list summaries":   {http.MethodGet, "issuesummaries", "", "", readers},
		"create":           {http.MethodPost, "issues" + dryRun, string(mustJSON(t, newIssue("another"))), jsonContent, writers},
		"update":           {http.MethodPut, issue + dryRun, update, jsonContent, writers},
		"patch":            {http.MethodPatch, issue + dryRun, `{"spec":{"title":"Changed"}}`, mergePatch, writers},
		"apply":            {http.MethodPatch, issue + dryRun + "&fieldManager=x&force=true", `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","spec":{"title":"Changed"}}`, "application/apply-patch+yaml", writers},
		"delete":           {http.MethodDelete, issue + dryRun, "", "", writers},
		"deletecollection": {http.MethodDelete, "issues" + dryRun, "", "", writers},
		"get status":       {http.MethodGet, issue + "/status", "", "", readers},
		"update status":    {http.MethodPut, issue + "/status" + dryRun, update, jsonContent, []string{controller}},
		"patch status":     {http.MethodPatch, issue + "/status" + dryRun, `{"status":{"affected":[]}}`, mergePatch, []string{controller}},
		"resolve":          {http.MethodPost, issue + "/resolve" + dryRun, verbBody("IssueResolution"), jsonContent, writers},
		"reopen":           {http.MethodPost, issue + "/reopen" + dryRun, verbBody("IssueReopening"), jsonContent, writers},
		"acknowledge":      {http.MethodPost, issue + "/acknowledge" + dryRun, verbBody("IssueAcknowledgement"), jsonContent, writers},
		"report":           {http.MethodPost, "issuereports" + dryRun, string(mustJSON(t, newReport("third", v1alpha1.OutcomeFailed))), jsonContent, []string{developer, reporter}},
	}
}

func verbBody(kind string) string {
	return `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"` + kind + `"}`
}

// TestRights tries every verb, subresource and virtual kind as five accounts in two
// namespaces, through the aggregator and round it.
func TestRights(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	existing := create(t, own, "frontend")
	create(t, foreign, "frontend")
	accounts := fiveAccounts(t, own)
	replica := replicas(t, own.host)[0]
	for name, cfg := range accounts {
		for way, cfg := range map[string]*rest.Config{
			"aggregated": cfg, "direct": direct(t, own.host, &replica, cfg.BearerToken),
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				for verb, right := range rights(t, existing) {
					require.Equal(t, slices.Contains(right.allowed, name), right.try(t, cfg, own.namespace), "%s in the own namespace", verb)
					everywhere := name == auditor && slices.Contains(right.allowed, name)
					require.Equal(t, everywhere, right.try(t, cfg, foreign.namespace), "%s in another namespace", verb)
				}
				code, body := do(t, cfg, http.MethodGet, "/apis/issues.kite.dev/v1alpha1/issues?limit=1", "", nil)
				require.Equal(t, name == auditor, code == http.StatusOK, "list of all namespaces: %d %s", code, body)
			})
		}
	}
}

// try says whether the request is allowed. What is allowed must also work.
func (r right) try(t testing.TB, cfg *rest.Config, namespace string) bool {
	t.Helper()
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + namespace + "/" + r.path
	header := http.Header{}
	if r.contentType != "" {
		header.Set("Content-Type", r.contentType)
	}
	code, body := do(t, cfg, r.method, path, r.body, header)
	if code == http.StatusForbidden {
		require.Contains(t, string(body), "is forbidden: User", "%s %s", r.method, path)
		return false
	}
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, code, "%s %s: %s", r.method, path, body)
	return true
}

func fiveAccounts(t testing.TB, m *team) map[string]*rest.Config {
	t.Helper()
	out := map[string]*rest.Config{
		viewer: m.account(t, viewer, "view"), developer: m.developer, reporter: m.account(t, reporter, "kite-issues-reporter"),
		controller: m.account(t, controller), auditor: m.account(t, auditor),
	}
	client := kubernetes.NewForConfigOrDie(m.host.admin).RbacV1()
	_, err := client.Roles(m.namespace).Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: controller},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"issues/status"}, Verbs: []string{"update", "patch"},
		}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	m.bind(t, controller, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: controller})
	binding, err := client.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "kite-test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: m.namespace, Name: auditor}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = client.ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{})
	})
	return out
}
