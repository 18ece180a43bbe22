// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestStatusRestored: through /status a controller changes its part, and is told
// what the server kept.
func TestStatusRestored(t *testing.T) {
	t.Parallel()
	cfg, seen := warned(StartServer(t))
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	before := getIssue(t, cfg, report(t, cfg, failed(1)).Issues[0].Name)

	next := before.DeepCopy()
	next.Status.Affected = []v1alpha1.AffectedResource{{Kind: "Deployment", Name: "checkout"}}
	next.Status.Remediation = &v1alpha1.IssueRemediation{Name: "rr-1", Phase: "Executing"}
	updated, err := client.UpdateStatus(ctx, next, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Empty(t, seen.texts)
	require.Equal(t, next.Status, updated.Status)

	updated.Status.State, updated.Status.Occurrences, updated.Status.ResolvedBy = v1alpha1.StateResolved, 99, "somebody"
	updated.Spec.Title = "Other"
	updated.Labels["issues.kite.dev/state"] = "Resolved"
	again, err := client.UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Len(t, seen.texts, 1)
	require.Contains(t, seen.texts[0], "status.remediation")
	require.Equal(t, next.Status, again.Status)
	require.Equal(t, before.Spec, again.Spec)
	require.Equal(t, before.Labels, again.Labels)

	patch := []byte(`{"status":{"conditions":[{"type":"RemediationActive","status":"True","reason":"Running","lastTransitionTime":"2026-03-01T12:00:00Z","message":""}]}}`)
	patched, err := client.Patch(ctx, before.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	require.NoError(t, err)
	require.Len(t, patched.Status.Conditions, 2, "the server's Resolved stays")
}

// TestMainResourceKeepsStatus: a client of the main resource changes no status.
func TestMainResourceKeepsStatus(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	issue := newIssue("frontend")
	issue.Status = v1alpha1.IssueStatus{State: v1alpha1.StateResolved, Occurrences: 99}
	created, err := client.Create(t.Context(), issue, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, created.Status.State)
	require.Equal(t, int32(1), created.Status.Occurrences)

	created.Status.State = v1alpha1.StateResolved
	created.Labels = nil
	updated, err := client.Update(t.Context(), created, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, updated.Status.State)
	require.Equal(t, "major", updated.Labels["issues.kite.dev/severity"], "the server adds what is absent")
	for _, entry := range updated.ManagedFields {
		require.NotContains(t, entry.FieldsV1.GetRawString(), "issues.kite.dev/severity", "the server's labels belong to no manager")
	}

	updated.Labels["issues.kite.dev/severity"] = "info"
	_, err = client.Update(t.Context(), updated, metav1.UpdateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"metadata.labels[issues.kite.dev/severity]"}, fieldsOf(t, err))
}
