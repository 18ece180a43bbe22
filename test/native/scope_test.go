// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// deploy makes a Deployment without pods in the team's namespace.
func (m *team) deploy(t testing.TB, name string) *appsv1.Deployment {
	t.Helper()
	labels := map[string]string{"app": name}
	made, err := kubernetes.NewForConfigOrDie(m.host.admin).AppsV1().Deployments(m.namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	return made
}

func about(deployment *appsv1.Deployment) func(*v1alpha1.Issue) {
	return func(issue *v1alpha1.Issue) {
		issue.Spec.Scope = v1alpha1.IssueScope{
			APIGroup: appsv1.GroupName, Kind: "Deployment", Namespace: deployment.Namespace, Name: deployment.Name, UID: deployment.UID,
		}
	}
}

// TestScopeDeleted: an issue is resolved when the Deployment that it is about is deleted,
// unless that is in another namespace. A kind is watched soon after the first issue needs
// it, and what is deleted before that is not noticed; so it is tried until it is.
func TestScopeDeleted(t *testing.T) {
	t.Parallel()
	own, foreign := newTeam(t), newTeam(t)
	scopes := []struct {
		team *team
		name string
	}{{foreign, "theirs"}, {own, "ours"}} // in this order, so that theirs had its turn
	attempts := 0
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, patience, true, func(ctx context.Context) (bool, error) {
		attempts++
		for _, s := range scopes {
			name := fmt.Sprint(s.name, "-", attempts)
			create(t, own, name, about(s.team.deploy(t, name)))
		}
		for _, s := range scopes {
			deployments := kubernetes.NewForConfigOrDie(own.host.admin).AppsV1().Deployments(s.team.namespace)
			require.NoError(t, deployments.Delete(ctx, fmt.Sprint(s.name, "-", attempts), metav1.DeleteOptions{}))
		}
		return resolvedWithScope(ctx, t, own), nil
	})
	require.NoError(t, err)
}

// resolvedWithScope tells whether any of ours is resolved; none of theirs may be.
func resolvedWithScope(ctx context.Context, t testing.TB, m *team) bool {
	t.Helper()
	list, err := m.issues(t).List(ctx, metav1.ListOptions{FieldSelector: "status.state=Resolved"})
	require.NoError(t, err)
	for i := range list.Items {
		issue := &list.Items[i]
		require.True(t, strings.HasPrefix(issue.Name, "ours-"), issue.Name)
		require.Equal(t, v1alpha1.ReasonScopeDeleted, issue.Status.Transitions[0].Reason)
		require.Equal(t, "system:serviceaccount:"+system+":kite-controllers", issue.Status.ResolvedBy)
	}
	return len(list.Items) > 0
}
