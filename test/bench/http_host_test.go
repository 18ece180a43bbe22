// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

const (
	envCluster    = "KITE_E2E"
	envKubeconfig = "KUBECONFIG"
	// system is the namespace that Kite runs in.
	system = "kite-system"
)

// host is a real cluster with Kite in it, and an account that may do with issues in its
// namespaces what it likes, and nothing else.
type host struct {
	admin      *rest.Config
	kubernetes kubernetes.Interface
	kubeconfig string
	// account reaches kube-apiserver.
	account    *rest.Config
	namespaces []string
}

// newHost takes the cluster that test/bench/run has made.
func newHost(b *testing.B) *host {
	b.Helper()
	if os.Getenv(envCluster) == "" {
		b.Skip("it takes over a cluster; run it by make bench-http")
	}
	h := &host{kubeconfig: os.Getenv(envKubeconfig)}
	var err error
	h.admin, err = clientcmd.BuildConfigFromFlags("", h.kubeconfig)
	require.NoError(b, err)
	h.admin.QPS = -1
	h.kubernetes, err = kubernetes.NewForConfig(h.admin)
	require.NoError(b, err)
	b.Cleanup(func() { h.deleteNamespaces(b) })
	h.account = h.newAccount(b)
	return h
}

// peers are all servers: Kite in a pod, by way of the aggregator, and as a process; the
// same API as a custom resource; and the same code on upstream's storage, as a process.
func (h *host) peers(b *testing.B) []*peer {
	b.Helper()
	custom := h.installCustomResource(b)
	process := h.startProcess(b, kite(pgtest.Config(b)))
	upstream := h.startProcess(b, etcd3(startEtcd(b)))
	return []*peer{
		h.peer(b, "crd", h.account, custom),
		h.peer(b, "direct", h.direct(b, h.account), v1alpha1.SchemeGroupVersion),
		h.peer(b, "aggregator", h.account, v1alpha1.SchemeGroupVersion),
		h.peer(b, "process", process, v1alpha1.SchemeGroupVersion),
		h.peer(b, "etcd3", upstream, v1alpha1.SchemeGroupVersion),
	}
}

func (h *host) peer(b *testing.B, name string, cfg *rest.Config, gv schema.GroupVersion) *peer {
	b.Helper()
	p := newPeer(b, name, cfg, gv, h.newTeam(b), h.newTeam(b))
	// The first answers wait for informers, and for what discovers a new resource.
	eventually(b, name+" serves the account", func(ctx context.Context) error {
		_, err := p.list(ctx, 1)
		return err
	})
	return p
}

// direct goes round the aggregator to one replica.
func (h *host) direct(b *testing.B, cfg *rest.Config) *rest.Config {
	b.Helper()
	client, err := aggregator.NewForConfig(h.admin)
	require.NoError(b, err)
	service, err := client.ApiregistrationV1().APIServices().Get(b.Context(),
		v1alpha1.SchemeGroupVersion.Version+"."+v1alpha1.GroupName, metav1.GetOptions{})
	require.NoError(b, err)
	out := rest.CopyConfig(cfg)
	out.Host = "https://" + net.JoinHostPort(h.replica(b).Status.PodIP, "8443")
	out.CAFile, out.CAData = "", service.Spec.CABundle
	out.ServerName = "kite-apiserver." + system + ".svc"
	return out
}

// replica is one pod of kite-apiserver that serves, and stays.
func (h *host) replica(b *testing.B) *corev1.Pod {
	b.Helper()
	var found *corev1.Pod
	eventually(b, "a replica of kite-apiserver", func(ctx context.Context) error {
		pods, err := h.kubernetes.CoreV1().Pods(system).List(ctx, metav1.ListOptions{
			LabelSelector: "app.kubernetes.io/name=kite-apiserver", FieldSelector: "status.phase=Running",
		})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			if pods.Items[i].DeletionTimestamp == nil {
				found = &pods.Items[i]
				return nil
			}
		}
		return errors.New("no replica runs")
	})
	return found
}

// eventually waits until check succeeds. The last error says what is still missing.
func eventually(b *testing.B, what string, check func(context.Context) error) {
	b.Helper()
	var last error
	err := wait.PollUntilContextTimeout(context.WithoutCancel(b.Context()), 50*time.Millisecond, 2*patience, true,
		func(ctx context.Context) (bool, error) {
			last = check(ctx)
			return last == nil, nil
		})
	require.NoError(b, err, "%s: %v", what, last)
}
