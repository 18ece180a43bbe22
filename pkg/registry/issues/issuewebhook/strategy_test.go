// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
)

func beReady(w *issues.IssueWebhook) {
	w.Status = readyStatus(metav1.ConditionTrue, issues.ReasonReady)
}

func TestPrepareForCreate(t *testing.T) {
	t.Parallel()
	webhook := newWebhook(beReady)
	testStrategy().PrepareForCreate(t.Context(), webhook)
	require.Equal(t, issues.IssueWebhookStatus{}, webhook.Status)
	require.EqualValues(t, 1, webhook.Generation)
	require.Empty(t, testStrategy().Validate(t.Context(), webhook))
	require.True(t, testStrategy().NamespaceScoped())
}

func TestPrepareForUpdate(t *testing.T) {
	t.Parallel()
	old := newWebhook(beReady)
	same := newWebhook(func(w *issues.IssueWebhook) { w.Labels = map[string]string{"a": "b"} })
	testStrategy().PrepareForUpdate(t.Context(), same, old)
	require.Equal(t, old.Status, same.Status, "the status is not the client's")
	require.EqualValues(t, 3, same.Generation, "labels are no new generation")

	changed := newWebhook(func(w *issues.IssueWebhook) { w.Spec.Failed = "true" })
	testStrategy().PrepareForUpdate(t.Context(), changed, old)
	require.EqualValues(t, 4, changed.Generation)
	changed.Spec.Failed = "1"
	require.Len(t, testStrategy().ValidateUpdate(t.Context(), changed, old), 1)
}

func TestPrepareStatus(t *testing.T) {
	t.Parallel()
	old, next := newWebhook(), newWebhook()
	next.Spec.Failed, next.Labels = "true", map[string]string{"a": "b"}
	next.Status = readyStatus(metav1.ConditionFalse, issues.ReasonSecretForbidden)
	want := *next.Status.DeepCopy()
	status := statusStrategy{testStrategy()}
	status.PrepareForUpdate(t.Context(), next, old)
	require.Equal(t, old.Spec, next.Spec, "the gateway changes no spec")
	require.Empty(t, next.Labels)
	require.Equal(t, want, next.Status)
	require.Empty(t, status.ValidateUpdate(t.Context(), next, old))

	next.Status.Conditions[0].Reason = ""
	require.NotEmpty(t, status.ValidateUpdate(t.Context(), next, old))
}
