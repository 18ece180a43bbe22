// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	gatewayToken   = "gateway-token"
	gatewayAccount = "system:serviceaccount:kite-system:kite-gateway"
	webhookSecret  = "not so secret"
	failedSuite    = `{"suite": "nightly", "ok": false, "id": "7"}`
	greenSuite     = `{"suite": "nightly", "ok": true, "id": "8"}`
)

// gatewayTokens are those of the gateway, and of two systems with an account of their own.
var gatewayTokens = map[string]string{
	gatewayToken: gatewayAccount, "ci-token": "system:serviceaccount:team-gamma:ci", "guest-token": "system:serviceaccount:team-0:guest",
}

// gatewayRights are those that are shipped, and what the guide tells a team to grant: the
// gateway reads one Secret.
func gatewayRights(t *testing.T) authorizer.Authorizer {
	t.Helper()
	roles := clusterRoles(t, "../../artifacts/components/gateway/rbac.yaml")
	require.Contains(t, roles, "kite-gateway")
	roles["kite-issues-reporter"] = shippedRoles(t)["kite-issues-reporter"]
	rbac := accounts{roles, map[string][]grant{
		gatewayAccount:                        {{"kite-gateway", ""}},
		"system:serviceaccount:team-gamma:ci": {{"kite-issues-reporter", namespace}},
	}}
	return authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetUser().GetName() == gatewayAccount && a.GetVerb() == "get" && a.GetResource() == "secrets" &&
			a.GetNamespace() == namespace && a.GetName() == "ci" {
			return authorizer.DecisionAllow, "", nil
		}
		return rbac.authorize(ctx, a)
	})
}

// startWebhooks starts server, host and gateway. The configuration is a privileged client's.
func startWebhooks(t *testing.T) (*rest.Config, *Host, *Gateway) {
	t.Helper()
	rights := gatewayRights(t)
	cfg := StartServer(t, WithTokens(gatewayTokens), WithAuthorizer(rights))
	host := StartHost(t, cfg, gatewayTokens, rights)
	return cfg, host, StartGateway(t, host.As(gatewayToken))
}

// ciWebhook reports suites with an identity that a run's ID makes distinct.
func ciWebhook(edits ...func(*v1alpha1.IssueWebhook)) *v1alpha1.IssueWebhook {
	out := newWebhook("ci")
	out.Spec.Succeeded = `body.ok`
	out.Spec.IdempotencyKey = `body.id`
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func createWebhook(t *testing.T, cfg *rest.Config, webhook *v1alpha1.IssueWebhook) {
	t.Helper()
	_, err := Client(t, cfg).IssuesV1alpha1().IssueWebhooks(namespace).Create(t.Context(), webhook, metav1.CreateOptions{})
	require.NoError(t, err)
}

// readiness waits until the gateway says why a webhook is ready, or is not.
func readiness(t *testing.T, cfg *rest.Config, name, reason string) *metav1.Condition {
	t.Helper()
	var found *metav1.Condition
	require.Eventually(t, func() bool {
		webhook, err := Client(t, cfg).IssuesV1alpha1().IssueWebhooks(namespace).Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		found = meta.FindStatusCondition(webhook.Status.Conditions, v1alpha1.ConditionReady)
		return found != nil && found.Reason == reason
	}, startTimeout, 20*time.Millisecond, "never %s", reason)
	return found
}

// sendSigned posts a body with a signature in X-Signature.
func sendSigned(t *testing.T, g *Gateway, path, secret, body string) (int, map[string]any) {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	client, err := rest.HTTPClientFor(g.config)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.config.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer := map[string]any{}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer
}

// TestGatewayWebhook: a sender without an account opens and resolves an issue of the
// webhook's namespace, and repeats itself without harm.
func TestGatewayWebhook(t *testing.T) {
	t.Parallel()
	cfg, host, g := startWebhooks(t)
	host.SetSecret(namespace, "ci", map[string]string{"secret": webhookSecret})
	createWebhook(t, cfg, ciWebhook())
	readiness(t, cfg, "ci", v1alpha1.ReasonReady)
	const path = "/webhooks/" + namespace + "/ci"

	results := []string{}
	for _, body := range []string{failedSuite, failedSuite, greenSuite, strings.Replace(failedSuite, "7", "9", 1)} {
		code, answer := sendSigned(t, g, path, webhookSecret, body)
		require.Equal(t, http.StatusOK, code, answer)
		reported := answer["reports"].([]any)[0].(map[string]any)
		results = append(results, reported["result"].(string))
	}
	require.Equal(t, []string{"Created", "Unchanged", "Resolved", "Reopened"}, results)

	list, err := Client(t, cfg).IssuesV1alpha1().Issues(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	issue := list.Items[0]
	require.Equal(t, namespace, issue.Namespace)
	require.Equal(t, "nightly failed", issue.Spec.Title)
	require.Equal(t, gatewayAccount, issue.Status.ReportedBy)
	require.Equal(t, "IssueWebhook/team-gamma/ci", issue.Status.Source)
	require.EqualValues(t, 2, issue.Status.Occurrences)
	require.Equal(t, "9", issue.Status.Runs[0].Name)

	code, _ := sendSigned(t, g, path, "another", failedSuite)
	require.Equal(t, http.StatusUnauthorized, code)
	code, _ = sendSigned(t, g, "/webhooks/team-0/ci", webhookSecret, failedSuite)
	require.Equal(t, http.StatusNotFound, code)
}

// TestGatewayWebhookOfToken: a sender with an account reports as itself, where it may.
func TestGatewayWebhookOfToken(t *testing.T) {
	t.Parallel()
	cfg, _, g := startWebhooks(t)
	createWebhook(t, cfg, ciWebhook(func(w *v1alpha1.IssueWebhook) {
		w.Spec.Authentication = v1alpha1.WebhookAuthentication{Token: &v1alpha1.WebhookToken{}}
	}))
	readiness(t, cfg, "ci", v1alpha1.ReasonReady)
	const path = "/webhooks/" + namespace + "/ci"
	for token, want := range map[string]int{"": http.StatusUnauthorized, "unknown": http.StatusUnauthorized, "guest-token": http.StatusForbidden, "ci-token": http.StatusOK} {
		code, answer := g.Post(t, token, path, failedSuite)
		require.Equal(t, want, code, "%s: %v", token, answer)
	}
	list, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, "system:serviceaccount:team-gamma:ci", list.Items[0].Status.ReportedBy)
}

// TestGatewayReadsNoOtherSecret: without a Role that names it, whoever wrote the webhook; the
// status has the command that allows it.
func TestGatewayReadsNoOtherSecret(t *testing.T) {
	t.Parallel()
	cfg, host, g := startWebhooks(t)
	host.SetSecret(namespace, "database", map[string]string{"secret": webhookSecret})
	createWebhook(t, cfg, ciWebhook(func(w *v1alpha1.IssueWebhook) { w.Spec.Authentication.HMAC.SecretRef.Name = "database" }))
	forbidden := readiness(t, cfg, "ci", v1alpha1.ReasonSecretForbidden)
	require.Equal(t, `kite-gateway may not read the Secret "database". An administrator of the namespace allows it: `+
		"kubectl create role kite-gateway-database --verb=get --resource=secrets --resource-name=database -n team-gamma && "+
		"kubectl create rolebinding kite-gateway-database --role=kite-gateway-database --serviceaccount=kite-system:kite-gateway -n team-gamma",
		forbidden.Message)
	code, answer := sendSigned(t, g, "/webhooks/"+namespace+"/ci", webhookSecret, failedSuite)
	require.Equal(t, http.StatusServiceUnavailable, code, answer)
}
