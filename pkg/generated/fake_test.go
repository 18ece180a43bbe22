// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	applyv1alpha1 "kite.dev/kite/pkg/generated/applyconfiguration/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
)

// TestFakeClientset: who writes a controller for issues can test it with the fake clientset
// that tracks fields, which knows the schemas of all kinds.
func TestFakeClientset(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset(&v1alpha1.Issue{ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: "old"}}).IssuesV1alpha1()
	create, name := metav1.CreateOptions{FieldManager: "test"}, metav1.ObjectMeta{Name: "new"}
	_, err := client.Issues("team-gamma").Create(t.Context(), &v1alpha1.Issue{ObjectMeta: name}, create)
	require.NoError(t, err)
	_, err = client.IssueMonitors("team-gamma").Create(t.Context(), &v1alpha1.IssueMonitor{ObjectMeta: name}, create)
	require.NoError(t, err)
	_, err = client.ClusterIssueMonitors().Create(t.Context(), &v1alpha1.ClusterIssueMonitor{ObjectMeta: name}, create)
	require.NoError(t, err)
	_, err = client.IssueWebhooks("team-gamma").Create(t.Context(), &v1alpha1.IssueWebhook{ObjectMeta: name}, create)
	require.NoError(t, err)

	link := applyv1alpha1.IssueLink().WithTitle("Log").WithURL("https://example.com")
	spec := applyv1alpha1.IssueSpec().WithTitle("Tests fail").WithLinks(link)
	applied, err := client.Issues("team-gamma").Apply(t.Context(), applyv1alpha1.Issue("new", "team-gamma").WithSpec(spec), metav1.ApplyOptions{FieldManager: "ci"})
	require.NoError(t, err)
	extracted, err := applyv1alpha1.ExtractIssue(applied, "ci")
	require.NoError(t, err)
	require.Equal(t, "Tests fail", *extracted.Spec.Title)
	require.Len(t, extracted.Spec.Links, 1)
}
