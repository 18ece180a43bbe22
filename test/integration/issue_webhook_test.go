// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/limit"
)

func newWebhook(name string) *v1alpha1.IssueWebhook {
	return &v1alpha1.IssueWebhook{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: v1alpha1.IssueWebhookSpec{
			Authentication: v1alpha1.WebhookAuthentication{HMAC: &v1alpha1.WebhookHMAC{
				SecretRef: v1alpha1.SecretKeyReference{Name: "ci", Key: "secret"}, Header: "X-Signature",
			}},
			Failed: `!body.ok`,
			Issue: v1alpha1.IssueTemplate{
				Type: v1alpha1.TypeTest, Severity: v1alpha1.SeverityMajor, Title: `body.suite + " failed"`,
				Scope: &v1alpha1.ScopeTemplate{Kind: `"Suite"`, Name: `body.suite`},
			},
		},
	}
}

func TestWebhooksAreFew(t *testing.T) {
	t.Parallel()
	webhooks := Client(t, StartServer(t)).IssuesV1alpha1().IssueWebhooks(namespace)
	for i := range limit.PerNamespace {
		_, err := webhooks.Create(t.Context(), newWebhook(fmt.Sprintf("ci-%d", i)), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err := webhooks.Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, `namespace "team-gamma" has 100 of them`)
}

// TestWebhook lives: it is stored with its defaults, the gateway writes its status only, and
// its author its spec only.
func TestWebhook(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	webhooks := Client(t, cfg).IssuesV1alpha1().IssueWebhooks(namespace)
	created, err := webhooks.Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.SignatureHex, created.Spec.Authentication.HMAC.Encoding)
	require.EqualValues(t, 1, created.Generation)

	seen := created.DeepCopy()
	seen.Spec.Failed = "true"
	seen.Status = v1alpha1.IssueWebhookStatus{ObservedGeneration: 1, Conditions: []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonSecretForbidden, LastTransitionTime: metav1.Now(),
	}}}
	seen, err = webhooks.UpdateStatus(t.Context(), seen, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, created.Spec, seen.Spec)
	require.Len(t, seen.Status.Conditions, 1)

	changed, err := webhooks.Patch(t.Context(), "ci", types.MergePatchType,
		[]byte(`{"spec":{"succeeded":"body.ok"},"status":{"observedGeneration":9}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 2, changed.Generation)
	require.Equal(t, seen.Status, changed.Status)

	content, err := Client(t, cfg).IssuesV1alpha1().RESTClient().Get().Namespace(namespace).Resource("issuewebhooks").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	require.NoError(t, err)
	var table metav1.Table
	require.NoError(t, json.Unmarshal(content, &table))
	require.Equal(t, []any{"ci", "HMAC", "test", "major", "SecretForbidden"}, table.Rows[0].Cells[:5])

	require.NoError(t, webhooks.Delete(t.Context(), "ci", metav1.DeleteOptions{}))
}

// TestWebhookRefused with the place of every fault, those of markers too.
func TestWebhookRefused(t *testing.T) {
	t.Parallel()
	webhooks := Client(t, StartServer(t)).IssuesV1alpha1().IssueWebhooks(namespace)
	bad := newWebhook("ci")
	bad.Spec.Failed, bad.Spec.Issue.Key, bad.Spec.Items = "body.a ==\n)", "1", "item"
	bad.Spec.Issue.Scope = nil
	bad.Spec.Authentication.Token = &v1alpha1.WebhookToken{}
	_, err := webhooks.Create(t.Context(), bad, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.ElementsMatch(t, []string{"spec.authentication", "spec.issue.scope", "spec.items", "spec.failed", "spec.issue.key"}, fieldsOf(t, err))
	require.ErrorContains(t, err, "line 2, column 1: Syntax error")
	require.ErrorContains(t, err, "line 1, column 1: must give string, but gives int")
}

// TestWebhookNeedsItsAuthorsRights, whichever way it is written: with the roles as they are
// shipped, and without the right to report.
func TestWebhookNeedsItsAuthorsRights(t *testing.T) {
	t.Parallel()
	rbac := accounts{shippedRoles(t), map[string][]grant{
		"viewer":   {{"kite-issues-view", namespace}},
		"editor":   {{"kite-issues-view", namespace}, {"kite-issues-edit", namespace}},
		"reporter": {{"kite-issues-reporter", namespace}},
	}}
	cfg := StartServer(t, WithAuthorizer(authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetUser().GetName() == "keeper" && a.GetResource() == "issuewebhooks" {
			return authorizer.DecisionAllow, "", nil
		}
		return rbac.authorize(ctx, a)
	})))
	webhooksOf := func(user, ns string) interface {
		Create(ctx context.Context, webhook *v1alpha1.IssueWebhook, opts metav1.CreateOptions) (*v1alpha1.IssueWebhook, error)
		Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (*v1alpha1.IssueWebhook, error)
		List(ctx context.Context, opts metav1.ListOptions) (*v1alpha1.IssueWebhookList, error)
	} {
		return Client(t, As(cfg, user)).IssuesV1alpha1().IssueWebhooks(ns)
	}
	for _, user := range []string{"viewer", "reporter"} {
		_, err := webhooksOf(user, namespace).Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{})
		require.True(t, apierrors.IsForbidden(err), "%s: %v", user, err)
	}

	keeper := webhooksOf("keeper", namespace)
	const needs = `user "keeper" needs the right to create issuereports.issues.kite.dev in namespace "team-gamma"`
	_, err := keeper.Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, needs)
	_, err = keeper.Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	applied := newWebhook("ci")
	applied.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "IssueWebhook"}
	_, err = keeper.Patch(t.Context(), "ci", types.ApplyPatchType, mustJSON(t, applied), metav1.PatchOptions{FieldManager: "x"})
	require.True(t, apierrors.IsForbidden(err), "an apply creates: %v", err)

	elsewhere := newWebhook("ci")
	elsewhere.Namespace = "team-0"
	_, err = webhooksOf("editor", "team-0").Create(t.Context(), elsewhere, metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = webhooksOf("editor", namespace).Create(t.Context(), newWebhook("ci"), metav1.CreateOptions{})
	require.NoError(t, err)
	list, err := webhooksOf("viewer", namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)

	_, err = keeper.Patch(t.Context(), "ci", types.MergePatchType, []byte(`{"spec":{"failed":"true"}}`), metav1.PatchOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, needs)
	_, err = keeper.Patch(t.Context(), "ci", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
	require.NoError(t, err, "labels report nothing")
}
