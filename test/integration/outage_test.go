// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

const issuesPath = "/apis/issues.kite.dev/v1alpha1/namespaces/" + namespace + "/issues"

func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	proxy, dsn := StartProxy(t, pg.DSN)
	pg.DSN = dsn
	cfg := StartServer(t, WithPostgres(pg))
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()

	before, err := client.Create(ctx, newIssue("before"), metav1.CreateOptions{})
	require.NoError(t, err)
	events, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: before.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()

	proxy.Cut()
	requireUnavailable(t, cfg, http.MethodGet, issuesPath)
	requireUnavailable(t, cfg, http.MethodGet, issuesPath+"/before")
	requireUnavailable(t, cfg, http.MethodDelete, issuesPath+"/before")
	requireServedWithout(t, cfg)
	requireWritesUnavailable(t, cfg)

	proxy.Restore()
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		code, _, _ := Do(ctx, t, cfg, http.MethodPost, issuesPath, mustJSON(t, newIssueWithKind("after")))
		return code == http.StatusCreated, nil
	})
	require.NoError(t, err, "writes never worked again")
	require.Equal(t, "after", nextEvent(t, events).Object.(*v1alpha1.Issue).Name, "the watch outlives the outage")
	code, _ := Get(ctx, t, cfg, "/readyz")
	require.Equal(t, http.StatusOK, code)
}

// TestStartWithoutDatabase: an outage must not keep a restarted replica from serving
// discovery, which every client of the cluster reads.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	proxy, dsn := StartProxy(t, pg.DSN)
	proxy.Cut()
	pg.DSN = dsn
	cfg := StartServer(t, WithPostgres(pg))
	requireUnavailable(t, cfg, http.MethodGet, issuesPath)
	requireServedWithout(t, cfg)

	proxy.Restore()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		code, _ := Get(ctx, t, cfg, issuesPath)
		return code == http.StatusOK, nil
	})
	require.NoError(t, err, "lists never worked")
}

func newIssueWithKind(name string) *v1alpha1.Issue {
	issue := newIssue(name)
	issue.TypeMeta = metav1.TypeMeta{Kind: "Issue", APIVersion: v1alpha1.SchemeGroupVersion.String()}
	return issue
}

func requireUnavailable(t *testing.T, cfg *rest.Config, method, path string) {
	t.Helper()
	code, content, header := Do(t.Context(), t, cfg, method, path, nil)
	require.Equal(t, http.StatusServiceUnavailable, code, "%s %s: %s", method, path, content)
	var status metav1.Status
	require.NoError(t, json.Unmarshal(content, &status))
	require.Equal(t, metav1.StatusReasonServiceUnavailable, status.Reason)
	require.NotNil(t, status.Details)
	require.Positive(t, status.Details.RetryAfterSeconds)
	require.NotEmpty(t, header.Get("Retry-After"))
}

// requireWritesUnavailable: a write whose own connection broke may have happened, for
// all the server knows, and is a 504. Later ones find no connection at all.
func requireWritesUnavailable(t *testing.T, cfg *rest.Config) {
	t.Helper()
	body := mustJSON(t, newIssueWithKind("during"))
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		code, content, header := Do(ctx, t, cfg, http.MethodPost, issuesPath, body)
		require.Contains(t, []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}, code, "%s", content)
		require.NotEmpty(t, header.Get("Retry-After"))
		return code == http.StatusServiceUnavailable, nil
	})
	require.NoError(t, err)
}

// requireServedWithout checks what needs no database.
func requireServedWithout(t *testing.T, cfg *rest.Config) {
	t.Helper()
	for path, want := range map[string]int{
		"/readyz":                        http.StatusInternalServerError,
		"/readyz?exclude=postgres":       http.StatusOK,
		"/livez":                         http.StatusOK,
		"/apis":                          http.StatusOK,
		"/apis/issues.kite.dev":          http.StatusOK,
		"/apis/issues.kite.dev/v1alpha1": http.StatusOK,
		"/openapi/v2":                    http.StatusOK,
		"/openapi/v3/apis/issues.kite.dev/v1alpha1": http.StatusOK,
	} {
		code, body := Get(t.Context(), t, cfg, path)
		require.Equal(t, want, code, "%s: %s", path, body)
	}
}
