// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"net"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// replicas are the pods of kite-apiserver that stay: those of an older rollout may still run.
func replicas(t testing.TB, h *host) []corev1.Pod {
	t.Helper()
	pods, err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().Pods(system).List(t.Context(), metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=kite-apiserver", FieldSelector: "status.phase=Running",
	})
	require.NoError(t, err)
	out := slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	require.NotEmpty(t, out)
	return out
}

// direct goes round the aggregator to one replica.
func direct(t testing.TB, h *host, replica *corev1.Pod, token string) *rest.Config {
	t.Helper()
	return &rest.Config{
		Host:            "https://" + net.JoinHostPort(replica.Status.PodIP, "8443"),
		BearerToken:     token,
		QPS:             -1,
		TLSClientConfig: rest.TLSClientConfig{ServerName: "kite-apiserver." + system + ".svc", CAData: servingCA(t, h)},
	}
}

// servingCA is what kube-apiserver trusts when it talks to Kite.
func servingCA(t testing.TB, h *host) []byte {
	t.Helper()
	client, err := aggregator.NewForConfig(h.admin)
	require.NoError(t, err)
	service, err := client.ApiregistrationV1().APIServices().Get(t.Context(), apiService, metav1.GetOptions{})
	require.NoError(t, err)
	return service.Spec.CABundle
}
