// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestStatus: it says what to do, and follows what was done.
func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follow(t)
	w.knows(t, newWebhook())
	missing := w.condition(t, v1alpha1.ConditionSecretReadable, v1alpha1.ReasonSecretMissing)
	require.Equal(t, metav1.ConditionFalse, missing.Status)
	require.Equal(t, `there is no Secret "ci" in namespace "team-gamma"`, missing.Message)
	require.EqualValues(t, 1, missing.ObservedGeneration)
	require.Equal(t, metav1.ConditionFalse, w.condition(t, v1alpha1.ConditionReady, v1alpha1.ReasonSecretMissing).Status)
	code, answer, header := w.post(t, path, twoChecks, "X-Signature", signed(testSecret, twoChecks))
	require.Equal(t, http.StatusServiceUnavailable, code, "the sender sends it again")
	require.Equal(t, "60", header.Get("Retry-After"))
	require.NotContains(t, fmt.Sprint(answer), "Secret", "which is the team's to know")

	_, err := w.host.CoreV1().Secrets(testNamespace).Create(t.Context(), newSecret(map[string]string{"secret": testSecret}), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		w.clock.Step(lookAgainSoon)
		webhook, err := w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Get(t.Context(), "ci", metav1.GetOptions{})
		require.NoError(t, err)
		return meta.IsStatusConditionTrue(webhook.Status.Conditions, v1alpha1.ConditionReady)
	}, testTimeout, 5*time.Millisecond)
	require.Equal(t, metav1.ConditionTrue, w.condition(t, v1alpha1.ConditionSecretReadable, v1alpha1.ReasonSecretReadable).Status)
	code, _ = w.send(t, twoChecks)
	require.Equal(t, http.StatusOK, code)
}

// TestStatusIsWrittenOnce: neither deliveries nor replicas that see the same write it again.
func TestStatusIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.follow(t)
	w.knows(t, newWebhook())
	w.condition(t, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	code, _ := w.send(t, twoChecks)
	require.Equal(t, http.StatusOK, code)
	name := nameOfObject(newWebhook())
	require.Eventually(t, func() bool {
		webhook, err := w.webhooks.lister.IssueWebhooks(testNamespace).Get("ci")
		return err == nil && len(webhook.Status.Conditions) == 2
	}, testTimeout, time.Millisecond)
	again, err := w.webhooks.reconcile(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, lookAgain, again)
	writes := 0
	for _, action := range w.issues.Actions() {
		if action.Matches("update", "issuewebhooks") {
			writes++
		}
	}
	require.Equal(t, 1, writes)
}

// TestInvalid: what an older server let in is not used, and what was wrong about a secret
// is not said of it.
func TestInvalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follow(t)
	w.knows(t, newWebhook())
	w.condition(t, v1alpha1.ConditionReady, v1alpha1.ReasonSecretMissing)
	changed := newWebhook(func(w *v1alpha1.IssueWebhook) { w.Spec.Failed, w.Generation = "gone(body)", 2 })
	stored, err := w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Get(t.Context(), "ci", metav1.GetOptions{})
	require.NoError(t, err)
	changed.Status = stored.Status
	_, err = w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Update(t.Context(), changed, metav1.UpdateOptions{})
	require.NoError(t, err)
	invalid := w.condition(t, v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	require.Contains(t, invalid.Message, "undeclared reference to 'gone'")
	require.EqualValues(t, 2, invalid.ObservedGeneration)
	stored, err = w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Get(t.Context(), "ci", metav1.GetOptions{})
	require.NoError(t, err)
	require.Len(t, stored.Status.Conditions, 1)
	code, _ := w.send(t, twoChecks)
	require.Equal(t, http.StatusServiceUnavailable, code)
}

// TestTokenIsReady: there is no secret to read.
func TestTokenIsReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follow(t)
	w.knows(t, newWebhook(withToken))
	require.Equal(t, metav1.ConditionTrue, w.condition(t, v1alpha1.ConditionReady, v1alpha1.ReasonReady).Status)
	require.Zero(t, w.secretsRead())
}

// TestDeleted webhooks take nothing.
func TestDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.follow(t)
	w.knows(t, newWebhook())
	require.NoError(t, w.issues.IssuesV1alpha1().IssueWebhooks(testNamespace).Delete(t.Context(), "ci", metav1.DeleteOptions{}))
	require.Eventually(t, func() bool { return w.webhooks.hooks.get(nameOfObject(newWebhook())) == nil }, testTimeout, time.Millisecond)
	code, _ := w.send(t, twoChecks)
	require.Equal(t, http.StatusNotFound, code)
}
