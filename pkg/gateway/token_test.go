// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/metrics/legacyregistry"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/report"
)

// token is a JSON Web Token of a subject that nobody signed.
func token(t testing.TB, subject string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]string{"sub": subject})
	require.NoError(t, err)
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2lnbmF0dXJl"
}

// hostOf is a server's configuration with every credential that the gateway could have of
// its own.
func hostOf(server *httptest.Server) *rest.Config {
	return &rest.Config{
		Host: server.URL, BearerToken: "own-token", Username: "own", Password: "own",
		Impersonate: rest.ImpersonationConfig{UserName: "somebody"},
	}
}

// TestCallerActsAsTheSender: what reaches the API is the sender's token, and nothing else
// that says who somebody is.
func TestCallerActsAsTheSender(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"IssueReport","apiVersion":"issues.kite.dev/v1alpha1","status":{"result":"Created"}}`)
	}))
	t.Cleanup(server.Close)
	client, err := versioned.NewForConfig(CallerConfig(hostOf(server)))
	require.NoError(t, err)
	reporter := Counted("test", report.New(client.IssuesV1alpha1()))
	h := NewHandler(defaults(), testClock(), testSource(func(w http.ResponseWriter, r *http.Request) error {
		status, err := reporter.Failed(r.Context(), "team-gamma", issuesv1alpha1.IssueReportSpec{})
		if err != nil {
			return err
		}
		return WriteJSON(w, http.StatusCreated, status)
	}))

	w := send(t, h, http.MethodPost, "/hook", "", withToken("senders-token"),
		withHeader("Impersonate-User", "system:admin"), withHeader("Impersonate-Group", "system:masters"),
		withHeader("Impersonate-Extra-Scopes", "all"), withHeader("X-Remote-User", "system:admin"),
		withHeader("X-Remote-Group", "system:masters"), withHeader("Cookie", "session=1"))
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	sent := <-got
	require.Equal(t, []string{"Bearer senders-token"}, sent.Values("Authorization"))
	for name := range sent {
		require.Contains(t, []string{"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent"}, name)
	}
}

// TestCallerIsNobodyWithoutAToken: nothing is sent with the gateway's own rights.
func TestCallerIsNobodyWithoutAToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }))
	t.Cleanup(server.Close)
	client, err := versioned.NewForConfig(CallerConfig(hostOf(server)))
	require.NoError(t, err)
	_, err = report.New(client.IssuesV1alpha1()).Failed(t.Context(), "team-gamma", issuesv1alpha1.IssueReportSpec{})
	require.ErrorIs(t, err, errNoToken)
	require.Equal(t, http.StatusUnauthorized, ProblemOf(err).Status)
}

// TestGuarded asks whether the caller may read metrics, as the caller.
func TestGuarded(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SelfSubjectAccessReview
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &review) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		review.Kind, review.APIVersion = "SelfSubjectAccessReview", "authorization.k8s.io/v1"
		asked := review.Spec.NonResourceAttributes
		review.Status.Allowed = r.Header.Get("Authorization") == "Bearer prometheus" && asked.Path == "/metrics" && asked.Verb == "get"
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	cfg := CallerConfig(hostOf(server))
	cfg.ContentType = "application/json"
	client, err := authorizationclient.NewForConfig(cfg)
	require.NoError(t, err)
	h := NewHandler(defaults(), testClock(), Guarded("/metrics", client, legacyregistry.Handler()), testSource(ok))
	send(t, h, http.MethodPost, "/hook", "")

	w := send(t, h, http.MethodGet, "/metrics", "", withToken("prometheus"))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), `kite_gateway_requests_total{code="200",source="test"}`)
	require.Equal(t, http.StatusForbidden, send(t, h, http.MethodGet, "/metrics", "", withToken("other")).Code)
	require.Equal(t, http.StatusUnauthorized, send(t, h, http.MethodGet, "/metrics", "", withHeader("Authorization", "")).Code)
}

// FuzzHeaders: whatever a sender puts into the headers that are read is a token, a key and
// an account of the forms that these have, or nothing.
func FuzzHeaders(f *testing.F) {
	f.Add("Bearer "+token(f, "system:serviceaccount:team-gamma:ci"), `"delivery-1"`)
	f.Add("bearer  a.b.c", "")
	f.Add("Basic YTpi", strings.Repeat("x", 200))
	f.Fuzz(func(t *testing.T, authorization, idempotencyKey string) {
		r := &http.Request{Header: http.Header{"Authorization": {authorization}, "Idempotency-Key": {idempotencyKey}}}
		bearer := bearerToken(r)
		require.NotContains(t, bearer, " ")
		if account := serviceAccountOf(bearer); account != "" {
			require.True(t, strings.HasPrefix(account, "system:serviceaccount:"))
		}
		key, err := IdempotencyKey(r)
		require.LessOrEqual(t, len(key), maxKey)
		if err != nil {
			require.Equal(t, http.StatusBadRequest, ProblemOf(err).Status)
		}
	})
}
