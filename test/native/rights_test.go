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
	"kite.dev/kite/test/rbactest"
)

// right is one request that needs one permission. Writes are dry runs, so every
// account finds the same.
type right struct {
	method, path string
	body         string
	contentType  string
	// allowed are the accounts that may, in their own namespace.
	allowed []string
	// cluster says that the path is of no namespace.
	cluster bool
}

const (
	viewer     = "viewer"     // view in the namespace
	developer  = "developer"  // edit in the namespace
	reporter   = "reporter"   // kite-issues-reporter in the namespace
	controller = "controller" // changes issues/status in the namespace
	auditor    = "auditor"    // view in every namespace
	security   = "security"   // kite-issues-view in every namespace, and kite-groups-view
	releaser   = "releaser"   // kite-groups-reporter
	platform   = "platform"   // view in every namespace, and kite-monitors-edit
	outsider   = "outsider"   // no role at all
)

// everybody is each of them.
func everybody() []string {
	return []string{viewer, developer, reporter, controller, auditor, security, releaser, platform, outsider}
}

// seesAll tells whose rights are in every namespace.
func seesAll(account string) bool {
	return slices.Contains([]string{auditor, security, platform}, account)
}

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
	group, toGroup := "issuegroups/"+existing.Spec.GroupKey, string(mustJSON(t, newGroupReport(existing.Spec.GroupKey)))
	readers, writers := []string{viewer, developer, auditor, security, platform}, []string{developer}
	overseers, guards, watchers := []string{auditor, security, platform}, []string{security}, []string{platform}
	return map[string]right{
		"get":              {http.MethodGet, issue, "", "", readers, false},
		"list":             {http.MethodGet, "issues", "", "", readers, false},
		"watch":            {http.MethodGet, "issues?watch=true&timeoutSeconds=1", "", "", readers, false},
		"watch one":        {http.MethodGet, "issues?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=" + existing.Name, "", "", readers, false},
		"get summary":      {http.MethodGet, "issuesummaries/summary", "", "", readers, false},
		"list summaries":   {http.MethodGet, "issuesummaries", "", "", readers, false},
		"create":           {http.MethodPost, "issues" + dryRun, string(mustJSON(t, newIssue("another"))), jsonContent, writers, false},
		"update":           {http.MethodPut, issue + dryRun, update, jsonContent, writers, false},
		"patch":            {http.MethodPatch, issue + dryRun, `{"spec":{"title":"Changed"}}`, mergePatch, writers, false},
		"apply":            {http.MethodPatch, issue + dryRun + "&fieldManager=x&force=true", `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","spec":{"title":"Changed"}}`, "application/apply-patch+yaml", writers, false},
		"delete":           {http.MethodDelete, issue + dryRun, "", "", writers, false},
		"deletecollection": {http.MethodDelete, "issues" + dryRun, "", "", writers, false},
		"get status":       {http.MethodGet, issue + "/status", "", "", readers, false},
		"update status":    {http.MethodPut, issue + "/status" + dryRun, update, jsonContent, []string{controller}, false},
		"patch status":     {http.MethodPatch, issue + "/status" + dryRun, `{"status":{"affected":[]}}`, mergePatch, []string{controller}, false},
		"resolve":          {http.MethodPost, issue + "/resolve" + dryRun, verbBody("IssueResolution"), jsonContent, writers, false},
		"reopen":           {http.MethodPost, issue + "/reopen" + dryRun, verbBody("IssueReopening"), jsonContent, writers, false},
		"acknowledge":      {http.MethodPost, issue + "/acknowledge" + dryRun, verbBody("IssueAcknowledgement"), jsonContent, writers, false},
		"report":           {http.MethodPost, "issuereports" + dryRun, string(mustJSON(t, newReport("third", v1alpha1.OutcomeFailed))), jsonContent, []string{developer, reporter}, false},
		"group counts":     {http.MethodGet, issue + "/group", "", "", readers, false},

		"list monitors":   {http.MethodGet, "issuemonitors", "", "", readers, false},
		"watch monitors":  {http.MethodGet, "issuemonitors?watch=true&timeoutSeconds=1", "", "", readers, false},
		"create monitor":  {http.MethodPost, "issuemonitors" + dryRun, monitorBody("IssueMonitor"), jsonContent, writers, false},
		"delete monitors": {http.MethodDelete, "issuemonitors" + dryRun, "", "", writers, false},
		"list webhooks":   {http.MethodGet, "issuewebhooks", "", "", readers, false},
		"watch webhooks":  {http.MethodGet, "issuewebhooks?watch=true&timeoutSeconds=1", "", "", readers, false},
		"create webhook":  {http.MethodPost, "issuewebhooks" + dryRun, webhookBody, jsonContent, writers, false},
		"delete webhooks": {http.MethodDelete, "issuewebhooks" + dryRun, "", "", writers, false},

		"list cluster monitors":   {http.MethodGet, "clusterissuemonitors", "", "", watchers, true},
		"watch cluster monitors":  {http.MethodGet, "clusterissuemonitors?watch=true&timeoutSeconds=1", "", "", watchers, true},
		"create cluster monitor":  {http.MethodPost, "clusterissuemonitors" + dryRun, monitorBody("ClusterIssueMonitor"), jsonContent, watchers, true},
		"delete cluster monitors": {http.MethodDelete, "clusterissuemonitors" + dryRun, "", "", watchers, true},

		"get group":            {http.MethodGet, group, "", "", guards, true},
		"list groups":          {http.MethodGet, "issuegroups?limit=1", "", "", guards, true},
		"create group":         {http.MethodPost, "issuegroups" + dryRun, "{}", jsonContent, nil, true},
		"delete group":         {http.MethodDelete, group + dryRun, "", "", nil, true},
		"report on a group":    {http.MethodPost, "issuegroupreports" + dryRun, toGroup, jsonContent, []string{releaser}, true},
		"list all":             {http.MethodGet, "issues?limit=1", "", "", overseers, true},
		"follow a group":       {http.MethodGet, "issues?watch=true&timeoutSeconds=1&fieldSelector=spec.groupKey=" + existing.Spec.GroupKey, "", "", overseers, true},
		"list all summaries":   {http.MethodGet, "issuesummaries?limit=1", "", "", overseers, true},
		"list visible issues":  {http.MethodGet, "visibleissues?limit=500", "", "", everybody(), true},
		"watch visible issues": {http.MethodGet, "visibleissues?watch=true&timeoutSeconds=1", "", "", everybody(), true},
		"delete visible issue": {http.MethodDelete, "visibleissues/x" + dryRun, "", "", nil, true},
	}
}

func verbBody(kind string) string {
	return `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"` + kind + `"}`
}

// monitorBody is a monitor of what whoever has view or edit may watch.
func monitorBody(kind string) string {
	return `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"` + kind + `","metadata":{"name":"rights"},"spec":{` +
		`"resource":{"version":"v1","resource":"configmaps","kind":"ConfigMap"},"failing":"false",` +
		`"issue":{"type":"config","severity":"minor","title":"'t'"}}}`
}

const webhookBody = `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueWebhook","metadata":{"name":"rights"},"spec":{` +
	`"authentication":{"hmac":{"secretRef":{"name":"x","key":"secret"},"header":"X-Signature"}},"failed":"true",` +
	`"issue":{"type":"config","severity":"minor","title":"'t'","scope":{"kind":"'K'","name":"'n'"}}}}`

func newGroupReport(key string) *v1alpha1.IssueGroupReport {
	at := metav1.NowMicro()
	return &v1alpha1.IssueGroupReport{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "IssueGroupReport"},
		Spec:     v1alpha1.IssueGroupReportSpec{GroupKey: key, Outcome: v1alpha1.OutcomeSucceeded, ObservedAt: &at},
	}
}

// TestRights tries every verb, subresource and virtual kind as nine accounts in two
// namespaces, through the aggregator and round it. What is allowed tells nobody of a
// namespace that is not theirs, and neither does what is denied.
func TestRights(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	group := "rights-of-" + own.namespace
	existing := create(t, own, "frontend", inGroup(group))
	create(t, foreign, "frontend", inGroup(group), secretly)
	accounts := allAccounts(t, own)
	replica := replicas(t, own.host)[0]
	for name, cfg := range accounts {
		for way, cfg := range map[string]*rest.Config{
			"aggregated": cfg, "direct": direct(t, own.host, &replica, cfg.BearerToken),
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				for verb, right := range rights(t, existing) {
					allowed, answer := right.try(t, cfg, own.namespace)
					require.Equal(t, slices.Contains(right.allowed, name), allowed, "%s in the own namespace, or everywhere", verb)
					if !seesAll(name) {
						requireNothingOf(t, foreign, answer)
					}
					if right.cluster {
						continue
					}
					allowed, _ = right.try(t, cfg, foreign.namespace)
					require.Equal(t, seesAll(name) && slices.Contains(right.allowed, name), allowed, "%s in another namespace", verb)
				}
			})
		}
	}
}

// try says whether the request is allowed, and what was answered. What is allowed must
// also work.
func (r right) try(t testing.TB, cfg *rest.Config, namespace string) (allowed bool, body []byte) {
	t.Helper()
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + namespace + "/" + r.path
	if r.cluster {
		path = "/apis/issues.kite.dev/v1alpha1/" + r.path
	}
	header := http.Header{}
	if r.contentType != "" {
		header.Set("Content-Type", r.contentType)
	}
	code, body := do(t, cfg, r.method, path, r.body, header)
	if code == http.StatusForbidden {
		require.Contains(t, string(body), "is forbidden: User", "%s %s", r.method, path)
		return false, body
	}
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, code, "%s %s: %s", r.method, path, body)
	return true, body
}

// allAccounts makes everybody, in a team's namespace.
func allAccounts(t testing.TB, m *team) map[string]*rest.Config {
	t.Helper()
	out := map[string]*rest.Config{
		viewer: m.account(t, viewer, "view"), developer: m.developer, reporter: m.account(t, reporter, "kite-issues-reporter"),
	}
	for _, name := range []string{controller, auditor, security, releaser, platform, outsider} {
		out[name] = m.account(t, name)
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
	m.bindEverywhere(t, auditor, "view")
	m.bindEverywhere(t, security, "kite-issues-view")
	m.bindEverywhere(t, security, "kite-groups-view")
	m.bindEverywhere(t, releaser, "kite-groups-reporter")
	m.bindEverywhere(t, platform, "view")
	m.bindEverywhere(t, platform, "kite-monitors-edit")
	return out
}

// bindEverywhere gives an account of the team a role in the whole cluster.
func (m *team) bindEverywhere(t testing.TB, account, role string) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(m.host.admin)
	ref, bindings := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}, client.RbacV1().ClusterRoleBindings()
	binding, err := bindings.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "kite-test-"}, RoleRef: ref, Subjects: []rbacv1.Subject{m.subject(account)},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = bindings.Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{})
	})
	rbactest.Await(t, client, m.subject(account), ref, "")
}
