// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// counted is what the bystanders' quota counts.
const counted = corev1.ResourceName("count/configmaps")

// bystanders are all that is in a cluster beside issues, and what goes on with it when Kite cannot answer.
type bystanders struct {
	team   *team
	doomed *team
	client kubernetes.Interface
	http   *http.Client
}

func newBystanders(t *testing.T) *bystanders {
	t.Helper()
	m := newTeam(t)
	killable(t, m.host)
	client, err := rest.HTTPClientFor(m.developer)
	require.NoError(t, err)
	return &bystanders{team: m, doomed: newTeam(t), client: kubernetes.NewForConfigOrDie(m.host.admin), http: client}
}

// create makes issues in both namespaces, and a quota that has room for one object more.
func (b *bystanders) create(t *testing.T) {
	t.Helper()
	create(t, b.team, "frontend")
	create(t, b.doomed, "frontend")
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{counted: resource.MustParse("2")}},
	}
	_, err := b.client.CoreV1().ResourceQuotas(b.team.namespace).Create(t.Context(), quota, metav1.CreateOptions{})
	require.NoError(t, err)
	b.waitUsed(t, 1) // every namespace has the ConfigMap kube-root-ca.crt
}

// waitUsed waits until the quota counts so many objects.
func (b *bystanders) waitUsed(t *testing.T, want int64) {
	t.Helper()
	eventually(t, "the quota counts", func(ctx context.Context) error {
		quota, err := b.client.CoreV1().ResourceQuotas(b.team.namespace).Get(ctx, "few", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if used, ok := quota.Status.Used[counted]; !ok || used.Value() != want {
			return fmt.Errorf("%s used", &used)
		}
		return nil
	})
}

func (b *bystanders) deleteNamespace(t *testing.T) {
	t.Helper()
	require.NoError(t, b.client.CoreV1().Namespaces().Delete(t.Context(), b.doomed.namespace, metav1.DeleteOptions{}))
}

// seeRefusal asks for issues without a client that would ask again by itself. The answer
// tells when to come back, if it is Kite's; kube-apiserver's own is no Status.
func (b *bystanders) seeRefusal(t *testing.T, reason metav1.StatusReason) {
	t.Helper()
	begin := time.Now()
	url := b.team.developer.Host + "/apis/issues.kite.dev/v1alpha1/namespaces/" + b.team.namespace + "/issues/frontend"
	resp, err := b.http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Less(t, time.Since(begin), 10*time.Second, "callers do not wait for long")
	if reason == "" {
		return
	}
	var status metav1.Status
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&status))
	require.Equal(t, "Status", status.Kind)
	require.Equal(t, reason, status.Reason)
	require.Regexp(t, `^[1-9][0-9]*$`, resp.Header.Get("Retry-After"))
}

// seeKubectl asks for all kinds, and for others than issues, as a person does who has no
// cache: nothing is said of the outage. It returns the kinds.
func (b *bystanders) seeKubectl(t *testing.T) []string {
	t.Helper()
	kubectl := b.team.kubectl(t)
	ask := func(args ...string) []string {
		stdout, stderr, err := kubectl.try(t.Context(), "", append(args, "--output=name")...)
		require.NoError(t, err, "%v: %s", args, stderr)
		require.Empty(t, stderr)
		return lines(stdout)
	}
	require.Contains(t, ask("get", "serviceaccounts"), "serviceaccount/developer")
	return ask("api-resources")
}

// seeOthers writes another kind. kube-apiserver keeps to the quota by itself.
func (b *bystanders) seeOthers(t *testing.T) {
	t.Helper()
	accounts := b.client.CoreV1().ServiceAccounts(b.team.namespace)
	_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "other"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, accounts.Delete(t.Context(), "other", metav1.DeleteOptions{}))
}

// seeControllers has kube-controller-manager, the scheduler and kubelet run a pod, and
// leaves the quota used up by an object that is no more.
func (b *bystanders) seeControllers(t *testing.T) {
	t.Helper()
	labels := map[string]string{"app": "bystander"}
	_, err := b.client.AppsV1().Deployments(b.team.namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "bystander"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: new(int64(0)),
					Containers: []corev1.Container{{
						Name: "sleep", Image: b.team.host.variable("KITE_REGISTRY") + "/busybox", Command: []string{"sleep", "3600"},
					}},
				},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	eventually(t, "a Deployment gets its pod", func(ctx context.Context) error {
		made, err := b.client.AppsV1().Deployments(b.team.namespace).Get(ctx, "bystander", metav1.GetOptions{})
		if err == nil && made.Status.ReadyReplicas == 0 {
			err = errors.New("not ready")
		}
		return err
	})
	require.NoError(t, b.addCounted(t.Context(), "one"))
	require.True(t, apierrors.IsForbidden(b.addCounted(t.Context(), "two")), "the quota is used up")
	require.NoError(t, b.client.CoreV1().ConfigMaps(b.team.namespace).Delete(t.Context(), "one", metav1.DeleteOptions{}))
}

func (b *bystanders) addCounted(ctx context.Context, name string) error {
	_, err := b.client.CoreV1().ConfigMaps(b.team.namespace).Create(ctx,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return err
}

// seeRecovery waits until all is as it should be, in the time that Kite promises.
func (b *bystanders) seeRecovery(t *testing.T) {
	t.Helper()
	begin := time.Now()
	took := func() time.Duration { return time.Since(begin).Round(100 * time.Millisecond) }
	eventually(t, "issues are served", func(ctx context.Context) error {
		_, err := b.team.issues(t).Get(ctx, "frontend", metav1.GetOptions{})
		return err
	})
	t.Logf("issues are served %s after the recovery", took())
	eventually(t, "the namespace is gone", gone(func(ctx context.Context) error {
		_, err := b.client.CoreV1().Namespaces().Get(ctx, b.doomed.namespace, metav1.GetOptions{})
		return err
	}))
	t.Logf("the namespace is gone %s after the recovery", took())
	require.Less(t, took(), 30*time.Second)
	b.waitUsed(t, 1)
	t.Logf("the quota counts %s after the recovery", took())
	require.NoError(t, b.addCounted(t.Context(), "two"))
}
