// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	hostfake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
	"kite.dev/kite/pkg/report/reporttest"
)

const (
	testNamespace = "team-gamma"
	testSecret    = "s3cret"
	testTimeout   = 10 * time.Second
)

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func newWebhook(edits ...func(*v1alpha1.IssueWebhook)) *v1alpha1.IssueWebhook {
	out := &v1alpha1.IssueWebhook{
		ObjectMeta: metav1.ObjectMeta{Name: "ci", Namespace: testNamespace, Generation: 1, UID: "w1"},
		Spec: v1alpha1.IssueWebhookSpec{
			Authentication: v1alpha1.WebhookAuthentication{HMAC: &v1alpha1.WebhookHMAC{
				SecretRef: v1alpha1.SecretKeyReference{Name: "ci", Key: "secret"}, Header: "X-Signature", Encoding: v1alpha1.SignatureHex,
			}},
			Items:     `body.checks`,
			Failed:    `item.state == "failed"`,
			Succeeded: `item.state == "passed"`,
			Issue: v1alpha1.IssueTemplate{
				Type: v1alpha1.TypeTest, Severity: v1alpha1.SeverityMajor, Title: `item.name + " failed"`,
				Scope: &v1alpha1.ScopeTemplate{Kind: `"Suite"`, Name: `item.name`},
			},
		},
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func withToken(w *v1alpha1.IssueWebhook) {
	w.Spec.Authentication = v1alpha1.WebhookAuthentication{Token: &v1alpha1.WebhookToken{}}
}

func newSecret(data map[string]string) *corev1.Secret {
	out := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ci", Namespace: testNamespace}, Data: map[string][]byte{}}
	for key, value := range data {
		out.Data[key] = []byte(value)
	}
	return out
}

// world is a gateway with an API that takes everything.
type world struct {
	issues       *fake.Clientset
	host         *hostfake.Clientset
	clock        *clocktesting.FakeClock
	own, callers *reporttest.Recorder
	webhooks     *Webhooks
	handler      http.Handler
}

// newWorld does not follow the webhooks yet.
func newWorld(t testing.TB, secrets ...runtime.Object) *world {
	t.Helper()
	taken := v1alpha1.IssueReportStatus{Result: v1alpha1.ResultCreated, Issues: []v1alpha1.ReportedObject{{Name: "test-suite"}}}
	w := &world{
		issues: fake.NewSimpleClientset(), host: hostfake.NewClientset(secrets...), clock: clocktesting.NewFakeClock(testTime),
		own: &reporttest.Recorder{Status: taken}, callers: &reporttest.Recorder{Status: taken},
	}
	w.host.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{
			UserInfo: authenticationv1.UserInfo{Username: "system:serviceaccount:kite:gate"},
		}}, nil
	})
	var err error
	w.webhooks, err = New(Config{
		Issues: w.issues, Host: w.host, Own: w.own, Callers: w.callers, Reviews: w.host.AuthorizationV1(), Clock: w.clock,
	})
	require.NoError(t, err)
	defaults := &gateway.Configuration{}
	config.Default(defaults)
	*defaults.Limits.SenderBurst = 3
	w.handler = gateway.NewHandler(defaults, w.clock, w.webhooks.Source())
	return w
}

// follow runs until the test ends.
func (w *world) follow(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.webhooks.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	require.Eventually(t, func() bool {
		return w.webhooks.synced() && slices.ContainsFunc(w.issues.Actions(), func(action clienttesting.Action) bool {
			return action.Matches("watch", "issuewebhooks") // what is created before is not seen
		})
	}, testTimeout, time.Millisecond)
}

// knows creates a webhook, and waits until it is known.
func (w *world) knows(t testing.TB, webhook *v1alpha1.IssueWebhook) {
	t.Helper()
	_, err := w.issues.IssuesV1alpha1().IssueWebhooks(webhook.Namespace).Create(t.Context(), webhook, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return w.webhooks.hooks.get(nameOfObject(webhook)) != nil
	}, testTimeout, time.Millisecond)
}

// condition is what the status says, once it says something.
func (w *world) condition(t testing.TB, kind, reason string) *metav1.Condition {
	t.Helper()
	var found *metav1.Condition
	require.Eventually(t, func() bool {
		webhook, err := w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Get(t.Context(), "ci", metav1.GetOptions{})
		require.NoError(t, err)
		found = meta.FindStatusCondition(webhook.Status.Conditions, kind)
		return found != nil && found.Reason == reason
	}, testTimeout, time.Millisecond, "%s never had the reason %s", kind, reason)
	return found
}

// allows answers what the sender's token may do.
func (w *world) allows(allowed bool) {
	w.answers(authorizationv1.SubjectAccessReviewStatus{Allowed: allowed})
}

func (w *world) answers(status authorizationv1.SubjectAccessReviewStatus) {
	w.host.PrependReactor("create", "selfsubjectaccessreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authorizationv1.SelfSubjectAccessReview{Status: status}, nil
	})
}

// forbids the gateway to read Secrets.
func (w *world) forbids() {
	w.host.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("secrets"), "ci", nil)
	})
}

// secretsRead counts.
func (w *world) secretsRead() int {
	n := 0
	for _, action := range w.host.Actions() {
		if action.Matches("get", "secrets") {
			n++
		}
	}
	return n
}

func signed(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

const path = "/webhooks/team-gamma/ci"

// post sends a body with the signature of a secret, and headers as edits.
func (w *world) post(t testing.TB, path, body string, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(out.Body.Bytes(), &answer), out.Body)
	return out.Code, answer, out.Header()
}

// send is post with the right signature.
func (w *world) send(t testing.TB, body string) (int, map[string]any) {
	t.Helper()
	code, answer, _ := w.post(t, path, body, "X-Signature", signed(testSecret, body))
	return code, answer
}

// fieldsOf lists the fields that a refusal names.
func fieldsOf(answer map[string]any) []string {
	var out []string
	list, _ := answer["errors"].([]any)
	for _, e := range list {
		member, _ := e.(map[string]any)
		name, _ := member["field"].(string)
		out = append(out, name)
	}
	return out
}
