// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

var issuesResource = v1alpha1.SchemeGroupVersion.WithResource("issues")

// createSome makes issues named issue-0 to issue-<n-1>.
func createSome(t testing.TB, m *team, n int) {
	t.Helper()
	for i := range n {
		create(t, m, fmt.Sprintf("issue-%d", i))
	}
}

func namesOf(list *v1alpha1.IssueList) []string {
	out := make([]string, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, list.Items[i].Name)
	}
	return out
}

// TestChunkedList shows that the pages of a list are one snapshot.
func TestChunkedList(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	createSome(t, m, 5)
	first, err := client.List(t.Context(), metav1.ListOptions{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"issue-0", "issue-1"}, namesOf(first))
	require.Equal(t, int64(3), *first.RemainingItemCount)

	create(t, m, "issue-10")
	require.NoError(t, client.Delete(t.Context(), "issue-3", metav1.DeleteOptions{}))
	second, err := client.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: first.Continue})
	require.NoError(t, err)
	require.Equal(t, []string{"issue-2", "issue-3"}, namesOf(second), "as it was when the first page was read")
	require.Equal(t, first.ResourceVersion, second.ResourceVersion)
	last, err := client.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: second.Continue})
	require.NoError(t, err)
	require.Equal(t, []string{"issue-4"}, namesOf(last))
	require.Empty(t, last.Continue)
}

// TestExpiredContinue waits until history has gone: the server answers 410 with a token
// that goes on from now.
func TestExpiredContinue(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	createSome(t, m, 3)
	first, err := client.List(t.Context(), metav1.ListOptions{Limit: 1})
	require.NoError(t, err)
	create(t, m, "issue-11")

	var expired apierrors.APIStatus
	within(t, 5*time.Minute, "the token expires", func(ctx context.Context) error {
		_, err := client.List(ctx, metav1.ListOptions{Limit: 1, Continue: first.Continue})
		if !apierrors.IsResourceExpired(err) || !errors.As(err, &expired) {
			return fmt.Errorf("want 410 Expired, got %w", err)
		}
		return nil
	})
	token := expired.Status().ListMeta.Continue
	require.NotEmpty(t, token)
	rest, err := client.List(t.Context(), metav1.ListOptions{Continue: token})
	require.NoError(t, err)
	require.Equal(t, []string{"issue-1", "issue-11", "issue-2"}, namesOf(rest), "the rest as it is now")

	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: first.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	require.True(t, apierrors.IsResourceExpired(apierrors.FromObject(next(t, events).Object)), "a watch from then ends with 410")
	_, err = client.List(t.Context(), metav1.ListOptions{Continue: "bm9uc2Vuc2U"})
	require.True(t, apierrors.IsBadRequest(err), "a forged token: %v", err)
}

func TestResourceVersionMatch(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	createSome(t, m, 1)
	before, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	create(t, m, "issue-1")

	exact, err := client.List(t.Context(), metav1.ListOptions{
		ResourceVersion: before.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact,
	})
	require.NoError(t, err)
	require.Equal(t, []string{"issue-0"}, namesOf(exact))
	require.Equal(t, before.ResourceVersion, exact.ResourceVersion)
	newer, err := client.List(t.Context(), metav1.ListOptions{
		ResourceVersion: before.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	require.NoError(t, err)
	require.Contains(t, namesOf(newer), "issue-0")

	_, err = client.List(t.Context(), metav1.ListOptions{ResourceVersionMatch: metav1.ResourceVersionMatchExact})
	require.True(t, apierrors.IsInvalid(err), "without a resourceVersion: %v", err)
	_, err = client.List(t.Context(), metav1.ListOptions{ResourceVersion: "words"})
	require.True(t, apierrors.IsBadRequest(err) || apierrors.IsInvalid(err), "%v", err)
	_, err = client.Get(t.Context(), "issue-0", metav1.GetOptions{ResourceVersion: "0"})
	require.NoError(t, err)
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	create(t, m, "frontend", func(i *v1alpha1.Issue) { i.Labels = map[string]string{"tier": "web"} })
	create(t, m, "backend", func(i *v1alpha1.Issue) { i.Spec.Severity = v1alpha1.SeverityCritical })
	for selector, want := range map[metav1.ListOptions][]string{
		{LabelSelector: "tier=web"}:                                   {"frontend"},
		{LabelSelector: "issues.kite.dev/severity in (critical)"}:     {"backend"},
		{FieldSelector: "metadata.name=frontend"}:                     {"frontend"},
		{FieldSelector: "status.state=Active,spec.severity=critical"}: {"backend"},
		{FieldSelector: "search=BUILD OF"}:                            {"backend", "frontend"},
		{FieldSelector: "spec.type=test"}:                             {},
	} {
		list, err := client.List(t.Context(), selector)
		require.NoError(t, err)
		require.Equal(t, want, namesOf(list), "%v", selector)
	}
	_, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.colour=red"})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
}

// TestPartialObjectMetadata reads and watches as the garbage collector does.
func TestPartialObjectMetadata(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := metadata.NewForConfigOrDie(m.developer).Resource(issuesResource).Namespace(m.namespace)
	created := create(t, m, "frontend")
	list, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, created.UID, list.Items[0].UID)

	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	patched, err := client.Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	event := next(t, events)
	require.Equal(t, patched, event.Object)
}

// TestTable is what kubectl prints: the server says the columns.
func TestTable(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	create(t, m, "frontend")
	table := get[metav1.Table](t, m.developer, "/apis/issues.kite.dev/v1alpha1/namespaces/"+m.namespace+"/issues",
		"application/json;as=Table;v=v1;g=meta.k8s.io")
	require.Equal(t, "Table", table.Kind)
	columns := make([]string, 0, len(table.ColumnDefinitions))
	for _, column := range table.ColumnDefinitions {
		columns = append(columns, column.Name)
	}
	require.Equal(t, "Name Severity Type State Scope Title Count Last Seen Age Application Component Stage Due Group Acknowledged", strings.Join(columns, " "))
	require.Len(t, table.Rows, 1)
	require.Equal(t, "frontend", table.Rows[0].Cells[0])
}

// get reads a path in a form that typed clients do not ask for.
func get[T any](t testing.TB, cfg *rest.Config, path, accept string) T {
	t.Helper()
	code, body := do(t, cfg, http.MethodGet, path, "", http.Header{"Accept": {accept}})
	require.Equal(t, http.StatusOK, code, "%s: %s", path, body)
	var out T
	require.NoError(t, json.Unmarshal(body, &out))
	return out
}
