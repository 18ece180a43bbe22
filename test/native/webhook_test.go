// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	certutil "k8s.io/client-go/util/cert"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestWebhooks lets webhooks of the cluster change and refuse issues and reports.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	if !m.host.own {
		t.Skip("the pods of this cluster cannot reach a webhook on this machine")
	}
	requireWebhooks(t, m)
}

func requireWebhooks(t testing.TB, m *team) {
	t.Helper()
	server, ca := startWebhook(t, m.host)
	configureWebhooks(t, m, server, ca)
	eventually(t, "the webhooks are in force", func(ctx context.Context) error {
		made, err := m.issues(t).Create(ctx, newIssue("frontend"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && made.Labels["example.com/seen"] != "true" {
			err = errors.New("the mutating webhook was not asked")
		}
		return err
	})
	refused := newIssue("frontend")
	refused.Spec.Title = "refuse this"
	eventually(t, "the validating one as well", func(ctx context.Context) error {
		_, err := m.issues(t).Create(ctx, refused, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsForbidden(err) {
			return errors.Join(err, errors.New("not refused"))
		}
		require.ErrorContains(t, err, `admission webhook "refuse.example.com" denied the request: not this title`)
		return nil
	})
	report := newReport("frontend", v1alpha1.OutcomeFailed)
	report.Spec.Issue.Title = "refuse this"
	reports := clientFor(t, m.developer).IssuesV1alpha1().IssueReports(m.namespace)
	eventually(t, "reports pass through them", func(ctx context.Context) error {
		_, err := reports.Create(ctx, report, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsForbidden(err) {
			return errors.Join(err, errors.New("not refused"))
		}
		return nil
	})
}

// startWebhook serves on the address at which pods reach this machine.
func startWebhook(t testing.TB, h *host) (address string, ca []byte) {
	t.Helper()
	api, err := url.Parse(h.admin.Host)
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(api.Hostname(), "0"))
	require.NoError(t, err)
	certificate, key, err := certutil.GenerateSelfSignedCertKey(api.Hostname(), []net.IP{net.ParseIP(api.Hostname())}, nil)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(review))
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, certificate
}

// review labels every object, and refuses those whose title asks for it.
func review(w http.ResponseWriter, r *http.Request) {
	var asked admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var object struct {
		Spec struct {
			Title string                 `json:"title"`
			Issue struct{ Title string } `json:"issue"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(asked.Request.Object.Raw, &object); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := &admissionv1.AdmissionResponse{UID: asked.Request.UID, Allowed: true}
	switch {
	case r.URL.Path == "/label" && asked.Request.Resource.Resource == "issues":
		patch := admissionv1.PatchTypeJSONPatch
		answer.PatchType = &patch
		answer.Patch = []byte(`[{"op":"add","path":"/metadata/labels","value":{"example.com/seen":"true"}}]`)
	case r.URL.Path == "/refuse" && object.Spec.Title+object.Spec.Issue.Title == "refuse this":
		answer.Allowed, answer.Result = false, &metav1.Status{Message: "not this title", Code: http.StatusForbidden}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(admissionv1.AdmissionReview{TypeMeta: asked.TypeMeta, Response: answer}); err != nil {
		panic(err)
	}
}

func configureWebhooks(t testing.TB, m *team, address string, ca []byte) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(m.host.admin).AdmissionregistrationV1()
	name := metav1.ObjectMeta{Name: "kite-test-" + m.namespace}
	scope := &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": m.namespace}}
	rules := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"issues", "issuereports"},
		},
	}}
	call := func(path string) admissionregistrationv1.WebhookClientConfig {
		return admissionregistrationv1.WebhookClientConfig{URL: new(address + path), CABundle: ca}
	}
	none := admissionregistrationv1.SideEffectClassNone
	_, err := client.MutatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: name,
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "label.example.com", ClientConfig: call("/label"), Rules: rules, NamespaceSelector: scope,
			SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.ValidatingWebhookConfigurations().Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: name,
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "refuse.example.com", ClientConfig: call("/refuse"), Rules: rules, NamespaceSelector: scope,
			SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = client.MutatingWebhookConfigurations().Delete(ctx, name.Name, metav1.DeleteOptions{})
		_ = client.ValidatingWebhookConfigurations().Delete(ctx, name.Name, metav1.DeleteOptions{})
	})
}
