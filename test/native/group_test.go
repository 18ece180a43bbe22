// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/rbactest"
)

// secret is in all that an issue says that was changed secretly.
const secret = "zanzibar"

// secretly changes every text of an issue that does not tell its problem.
func secretly(issue *v1alpha1.Issue) {
	issue.Spec.Title, issue.Spec.Description = "Build in "+secret+" fails", "See "+secret
	issue.Spec.Application, issue.Spec.Component, issue.Spec.Cause = secret, secret, "Zanzibar"
	issue.Spec.Origin, issue.Spec.Key = secret, secret
	for _, kind := range []v1alpha1.IssueLinkKind{v1alpha1.LinkLog, v1alpha1.LinkDocumentation} {
		issue.Spec.Links = append(issue.Spec.Links, v1alpha1.IssueLink{Title: secret, URL: "https://" + secret + ".example.com", Kind: kind})
	}
}

func inGroup(key string) func(*v1alpha1.Issue) {
	return func(issue *v1alpha1.Issue) { issue.Spec.GroupKey = key }
}

// requireNothingOf: a whole answer holds no word of another team's issues, and not its
// namespace's name.
func requireNothingOf(t testing.TB, foreign *team, answer []byte) {
	t.Helper()
	require.NotContains(t, strings.ToLower(string(answer)), secret)
	require.NotContains(t, string(answer), foreign.namespace)
}

// table reads a path as kubectl does.
func table(t testing.TB, cfg *rest.Config, path string) (metav1.Table, []byte) {
	t.Helper()
	code, body := do(t, cfg, http.MethodGet, path, "", http.Header{"Accept": {"application/json;as=Table;v=v1;g=meta.k8s.io"}})
	require.Equal(t, http.StatusOK, code, "%s: %s", path, body)
	var out metav1.Table
	require.NoError(t, json.Unmarshal(body, &out))
	return out, body
}

// asCSV is a table as a file for people who have no cluster.
func asCSV(t testing.TB, in *metav1.Table) string {
	t.Helper()
	var out bytes.Buffer
	lines := csv.NewWriter(&out)
	for i := range in.Rows {
		var cells []string
		for _, cell := range in.Rows[i].Cells {
			cells = append(cells, fmt.Sprint(cell))
		}
		require.NoError(t, lines.Write(cells))
	}
	lines.Flush()
	return out.String()
}

// TestGroupOverNamespaces: a team sees its own issues and the counts of their group, in
// tables as well, and never another team's words; the security team sees all, and exports it.
func TestGroupOverNamespaces(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	group := "group-of-" + own.namespace
	create(t, own, "frontend", inGroup(group))
	create(t, foreign, "backend", inGroup(group), secretly)
	accounts := allAccounts(t, own)
	api := "/apis/issues.kite.dev/v1alpha1/"
	inOwn := api + "namespaces/" + own.namespace + "/"

	code, body := do(t, accounts[viewer], http.MethodGet, inOwn+"issues/frontend/group", "", nil)
	require.Equal(t, http.StatusOK, code, "%s", body)
	var counts v1alpha1.IssueGroup
	require.NoError(t, json.Unmarshal(body, &counts))
	require.Equal(t, v1alpha1.IssueGroupStatus{
		State: v1alpha1.StateActive, Active: 2, Total: 2, Components: 1, Namespaces: 2,
		OtherCauses: &v1alpha1.IssueGroupCount{Active: 2, Total: 2},
	}, counts.Status)
	eventually(t, "the viewer's right", func(ctx context.Context) error {
		got, err := seen(ctx, t, accounts[viewer], own.namespace)
		if err == nil && len(got) != 1 {
			err = fmt.Errorf("got %v", got)
		}
		return err
	})
	for _, path := range []string{
		inOwn + "issues/frontend/group", inOwn + "issues", inOwn + "issuesummaries", inOwn + "issuesummaries/summary", api + "visibleissues",
	} {
		shown, body := table(t, accounts[viewer], path)
		require.Len(t, shown.Rows, 1, path)
		requireNothingOf(t, foreign, body)
	}

	members, _ := table(t, accounts[security], api+"issuegroups/"+group)
	text := asCSV(t, &members)
	require.Len(t, members.Rows, 2, text)
	require.Contains(t, text, own.namespace+",frontend,")
	require.Contains(t, text, foreign.namespace+",backend,"+secret+",Active,major,Zanzibar,")
}

// TestForeignRelation: who may not get an issue cannot relate to it, nor find out whether
// it is there.
func TestForeignRelation(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	create(t, own, "frontend")
	create(t, foreign, "backend", secretly)
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + own.namespace + "/issues/frontend" + dryRun
	header := http.Header{"Content-Type": {mergePatch}}
	relate := func(name string) string {
		patch := fmt.Sprintf(`{"spec":{"relatedIssues":[{"namespace":%q,"name":%q,"relation":"CausedBy"}]}}`, foreign.namespace, name)
		code, body := do(t, own.developer, http.MethodPatch, path, patch, header)
		require.Equal(t, http.StatusForbidden, code, "%s", body)
		require.NotContains(t, strings.ToLower(string(body)), secret)
		return strings.ReplaceAll(string(body), name, "NAME")
	}
	require.Equal(t, relate("nothing"), relate("backend"))
	own.bindIn(t, foreign)
	patch := fmt.Sprintf(`{"spec":{"relatedIssues":[{"namespace":%q,"name":"backend","relation":"CausedBy"}]}}`, foreign.namespace)
	eventually(t, "the right to get what is related to", func(context.Context) error {
		code, body := do(t, own.developer, http.MethodPatch, path, patch, header)
		if code != http.StatusOK {
			return fmt.Errorf("%d: %s", code, body)
		}
		return nil
	})
}

// bindIn lets the team's developer view another team's namespace.
func (m *team) bindIn(t testing.TB, foreign *team) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(m.host.admin)
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
	_, err := client.RbacV1().RoleBindings(foreign.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "neighbour"}, RoleRef: role, Subjects: []rbacv1.Subject{m.subject(developer)},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	rbactest.Await(t, client, m.subject(developer), role, foreign.namespace)
}
