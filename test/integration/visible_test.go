// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	typed "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

const visiblePath = "/apis/issues.kite.dev/v1alpha1/visibleissues"

// createIn creates issues, each in the namespace before its dot.
func createIn(t testing.TB, cfg *rest.Config, names ...string) {
	t.Helper()
	client := Client(t, cfg).IssuesV1alpha1()
	for _, full := range names {
		namespace, name, _ := strings.Cut(full, ".")
		issue := newIssue(name)
		issue.Namespace = namespace
		_, err := client.Issues(namespace).Create(t.Context(), issue, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

// visible is the client of a user for visibleissues.
func visible(t testing.TB, cfg *rest.Config, user string, groups ...string) typed.VisibleIssueInterface {
	t.Helper()
	return Client(t, As(cfg, user, groups...)).IssuesV1alpha1().VisibleIssues()
}

func visibleNames(list *v1alpha1.VisibleIssueList) []string {
	out := []string{}
	for i := range list.Items {
		out = append(out, list.Items[i].Name)
	}
	return out
}

// TestVisibleIssues: exactly the issues of the namespaces in which the caller may list
// issues, by whatever way the right came. team-a-b sorts before team-a as storage does.
func TestVisibleIssues(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x", "team-a.y", "team-a-b.x", "team-b.x", "team-c.z")
	rights.give("viewer", "team-a")
	rights.give("editor", "team-a-b", "team-a", "empty")
	rights.give("guild", "team-b")
	rights.give("security", everywhere)
	rights.give("reader of one", "team-c")
	rights.take("viewer", "team-c", true)

	cases := map[string]struct {
		reason, user, selector string
		groups                 []string
		want                   []string
	}{
		"viewer":               {reason: "a candidate without the right shows nothing", user: "viewer", want: []string{"team-a.x", "team-a.y"}},
		"editor":               {reason: "in the order of keys", user: "editor", want: []string{"team-a-b.x", "team-a.x", "team-a.y"}},
		"group":                {reason: "rights come from groups, too", user: "viewer", groups: []string{"guild"}, want: []string{"team-a.x", "team-a.y", "team-b.x"}},
		"security":             {reason: "who may list everywhere sees all", user: "security", want: []string{"team-a-b.x", "team-a.x", "team-a.y", "team-b.x", "team-c.z"}},
		"outsider":             {reason: "no right, no issue", user: "outsider", want: []string{}},
		"own namespace":        {reason: "narrowed to a namespace", user: "editor", selector: "metadata.namespace=team-a", want: []string{"team-a.x", "team-a.y"}},
		"foreign namespace":    {reason: "a selector gives no right", user: "viewer", selector: "metadata.namespace=team-b", want: []string{}},
		"missing namespace":    {reason: "as one that exists and is foreign", user: "viewer", selector: "metadata.namespace=team-x", want: []string{}},
		"no namespace":         {reason: "an empty name is not all namespaces", user: "viewer", selector: "metadata.namespace=", want: []string{}},
		"no namespace for all": {reason: "no issue is without a namespace", user: "security", selector: "metadata.namespace=", want: []string{}},
		"path as namespace":    {reason: "a namespace is no path", user: "security", selector: "metadata.namespace=team-a/x", want: []string{}},
		"not a namespace":      {reason: "!= works as everywhere", user: "editor", selector: "metadata.namespace!=team-a", want: []string{"team-a-b.x"}},
		"name":                 {reason: "an object's own name selects it", user: "editor", selector: "metadata.name=team-a.y", want: []string{"team-a.y"}},
		"issue's name":         {reason: "which is not the issue's", user: "editor", selector: "metadata.name=y", want: []string{}},
		"foreign name":         {reason: "a name gives no right", user: "viewer", selector: "metadata.name=team-b.x", want: []string{}},
		"not a name":           {reason: "one of two with the issue's name", user: "editor", selector: "metadata.name!=team-a.x,search=build of x", want: []string{"team-a-b.x"}},
		"field":                {reason: "fields of issues select", user: "security", selector: "spec.scope.name=x", want: []string{"team-a-b.x", "team-a.x", "team-b.x"}},
		"search":               {reason: "as text does", user: "viewer", selector: "search=OF Y", want: []string{"team-a.y"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := visible(t, cfg, tc.user, tc.groups...).List(t.Context(), metav1.ListOptions{FieldSelector: tc.selector})
			require.NoError(t, err)
			require.Equal(t, tc.want, visibleNames(list), tc.reason)
			require.NotEmpty(t, list.ResourceVersion)
		})
	}
}

// TestVisibleIssueIsTheIssue shows all of it that concerns a reader.
func TestVisibleIssueIsTheIssue(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x")
	rights.give("viewer", "team-a")
	issue, err := Client(t, cfg).IssuesV1alpha1().Issues("team-a").Get(t.Context(), "x", metav1.GetOptions{})
	require.NoError(t, err)

	shown, err := visible(t, cfg, "viewer").Get(t.Context(), "team-a.x", metav1.GetOptions{})
	require.NoError(t, err)
	want := issue.ObjectMeta
	want.Name, want.Namespace, want.ManagedFields = "team-a.x", "", nil
	require.Equal(t, want, shown.ObjectMeta)
	require.Equal(t, v1alpha1.VisibleIssueSource{Namespace: "team-a", Name: "x"}, shown.Issue)
	require.Equal(t, issue.Spec, shown.Spec)
	require.Equal(t, issue.Status, shown.Status)
	list, err := visible(t, cfg, "viewer").List(t.Context(), metav1.ListOptions{LabelSelector: "issues.kite.dev/type in (build)"})
	require.NoError(t, err)
	require.Equal(t, []v1alpha1.VisibleIssue{*shown}, list.Items)
}

// TestVisibleIssuesInPages reads pages of every size, all at the first one's revision.
func TestVisibleIssuesInPages(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	var want []string
	for _, namespace := range []string{"a-b", "a", "b", "d"} {
		for n := range 3 {
			want = append(want, fmt.Sprintf("%s.issue-%d", namespace, n))
		}
	}
	createIn(t, cfg, want...)
	createIn(t, cfg, "c.foreign", "e.foreign")
	rights.give("viewer", "a", "a-b", "aa", "b", "d", "f")
	rights.give("security", everywhere)
	client := visible(t, cfg, "viewer")
	all, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, want, visibleNames(all))
	for limit := range int64(len(want) + 2) {
		if limit == 0 {
			continue
		}
		var got []string
		options := metav1.ListOptions{Limit: limit}
		for page := 0; ; page++ {
			list, err := client.List(t.Context(), options)
			require.NoError(t, err)
			require.LessOrEqual(t, len(list.Items), int(limit))
			require.Nil(t, list.RemainingItemCount, "a count over namespaces tells of those between")
			require.Equal(t, all.ResourceVersion, list.ResourceVersion)
			got = append(got, visibleNames(list)...)
			if options.Continue = list.Continue; list.Continue == "" {
				break
			}
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}

	first, err := client.List(t.Context(), metav1.ListOptions{Limit: 4})
	require.NoError(t, err)
	require.Equal(t, want[:4], visibleNames(first))
	createIn(t, cfg, "d.later")
	rights.take("viewer", "a", false)
	second, err := client.List(t.Context(), metav1.ListOptions{Limit: 100, Continue: first.Continue})
	require.NoError(t, err)
	require.Equal(t, want[6:], visibleNames(second), "a right that is gone, and an issue that is newer than the list")
	require.Equal(t, first.ResourceVersion, second.ResourceVersion)

	theirs, err := visible(t, cfg, "security").List(t.Context(), metav1.ListOptions{Limit: 4})
	require.NoError(t, err)
	stolen, err := client.List(t.Context(), metav1.ListOptions{Continue: theirs.Continue})
	require.NoError(t, err)
	require.Equal(t, append(want[6:], "d.later"), visibleNames(stolen), "another's token gives no right")
}

// TestVisibleIssuesTellNothing: what an outsider may not see answers as what does not
// exist.
func TestVisibleIssuesTellNothing(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x")
	outsider := As(cfg, "outsider")
	ask := func(path, name string) string {
		code, body := Get(t.Context(), t, outsider, strings.ReplaceAll(path, "NAME", name))
		return fmt.Sprint(code, strings.ReplaceAll(string(body), name, "NAME"))
	}
	for _, path := range []string{
		"/NAME", "/NAME?resourceVersion=1",
		"?fieldSelector=metadata.name=NAME", "?fieldSelector=metadata.name=NAME&limit=1",
		"?fieldSelector=metadata.name=NAME&watch=true&timeoutSeconds=1&resourceVersion=0",
	} {
		require.Equal(t, ask(visiblePath+path, "team-b.y"), ask(visiblePath+path, "team-a.x"), path)
	}
	list, err := visible(t, cfg, "outsider").List(t.Context(), metav1.ListOptions{Limit: 1})
	require.NoError(t, err)
	require.Empty(t, list.Items)
	require.Empty(t, list.Continue)
	require.Nil(t, list.RemainingItemCount)

	for path, method := range map[string]string{
		visiblePath: http.MethodPost, visiblePath + "?x": http.MethodDelete, visiblePath + "/team-a.x": http.MethodPut,
		visiblePath + "/team-a.x?x": http.MethodPatch, visiblePath + "/team-a.x?y": http.MethodDelete,
	} {
		code, body, _ := Do(t.Context(), t, outsider, method, path, nil)
		require.Equal(t, http.StatusForbidden, code, "%s %s: %s", method, path, body)
		code, body, _ = Do(t.Context(), t, cfg, method, path, nil)
		require.Equal(t, http.StatusMethodNotAllowed, code, "%s %s: %s", method, path, body)
	}
	_, err = Client(t, outsider).IssuesV1alpha1().Issues("team-a").List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "visibleissues lends no right to issues: %v", err)
}

// TestVisibleIssuesBounds: what cannot be answered whole is refused.
func TestVisibleIssuesBounds(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-7.x")
	for n := range 501 {
		rights.give("consultant", fmt.Sprint("team-", n))
	}
	client := visible(t, cfg, "consultant")
	_, err := client.List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.ErrorContains(t, err, "metadata.namespace=NAME")
	require.Equal(t, []string{"fieldSelector"}, fieldsOf(t, err))
	_, err = client.Watch(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)

	list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.namespace=team-7"})
	require.NoError(t, err)
	require.Equal(t, []string{"team-7.x"}, visibleNames(list))
	rights.take("consultant", "team-500", false)
	list, err = client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"team-7.x"}, visibleNames(list))

	for _, selector := range []string{"search=x", "spec.title=x"} {
		_, err = client.List(t.Context(), metav1.ListOptions{FieldSelector: selector})
		require.True(t, apierrors.IsBadRequest(err), "%s: %v", selector, err)
		_, err = client.Watch(t.Context(), metav1.ListOptions{FieldSelector: selector})
		require.True(t, apierrors.IsBadRequest(err), "%s: %v", selector, err)
	}
	rights.fail(true)
	requireUnavailable(t, As(cfg, "consultant"), http.MethodGet, visiblePath)
	code, body := Get(t.Context(), t, As(cfg, "consultant"), visiblePath)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotContains(t, string(body), "https://host")
}

// TestVisibleTable asks as kubectl does, which shows namespaces of namespaced kinds only.
func TestVisibleTable(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x", "team-b.x")
	rights.give("viewer", "team-a", "team-b")
	content, err := Client(t, As(cfg, "viewer")).IssuesV1alpha1().RESTClient().Get().Resource("visibleissues").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	require.NoError(t, err)
	var table metav1.Table
	require.NoError(t, json.Unmarshal(content, &table))
	require.Equal(t, "Namespace", table.ColumnDefinitions[0].Name)
	require.Equal(t, "Name", table.ColumnDefinitions[1].Name)
	require.Len(t, table.Rows, 2)
	require.Equal(t, []any{"team-a", "x", "major", "build", "Active"}, table.Rows[0].Cells[:5])
	require.Len(t, table.Rows[1].Cells, len(table.ColumnDefinitions))
	var object metav1.PartialObjectMetadata
	require.NoError(t, json.Unmarshal(table.Rows[1].Object.Raw, &object))
	require.Equal(t, "team-b.x", object.Name)
	require.Empty(t, object.Namespace)
}
