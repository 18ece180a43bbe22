// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

// TestEtcd sends many reports and finds nothing of them in the cluster's etcd.
//
//nolint:paralleltest // others write to etcd
func TestEtcd(t *testing.T) {
	const (
		reports    = 10_000
		reporters  = 20
		components = 10 // of each reporter
	)
	teams := []*team{newTeam(t), newTeam(t), newTeam(t), newTeam(t)}
	h := teams[0].host
	killable(t, h)
	clients := make([]*report.Reporter, reporters)
	for i := range clients {
		account := teams[i%len(teams)].account(t, fmt.Sprintf("reporter-%d", i), "kite-issues-reporter")
		clients[i] = report.New(clientFor(t, account).IssuesV1alpha1())
	}
	marker := "marker-" + rand.String(12)
	h.quiet(t)

	begin, before := time.Now(), h.revision(t)
	var group sync.WaitGroup
	errs := make([]error, reporters)
	for i, client := range clients {
		group.Go(func() {
			for n := range reports / reporters {
				problem := newReport(fmt.Sprintf("%s-%d-%d", marker, i, n%components), v1alpha1.OutcomeFailed)
				_, err := client.Failed(t.Context(), teams[i%len(teams)].namespace, problem.Spec)
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	group.Wait()
	took, growth := time.Since(begin), h.revision(t)-before
	require.NoError(t, errors.Join(errs...))
	stored := 0
	for _, m := range teams {
		stored += len(listed(t, m))
	}
	require.Equal(t, reporters*components, stored)

	before = h.revision(t)
	<-time.After(took)
	idle := h.revision(t) - before
	t.Logf("%d reports in %s: etcd's revision grew by %d, and by %d in the same time without", reports, took.Round(time.Second), growth, idle)
	require.Less(t, growth-idle, 200, "the reports' share of etcd's revisions")
	require.Equal(t, 0, h.keys(t, "/registry/issues.kite.dev/"))
	require.Equal(t, 0, h.keys(t, "/registry/", marker), "keys with anything of a report")
	h.seesMarker(t, teams[0].namespace, marker)
}

// quiet waits until kube-controller-manager has cleaned up after other tests.
func (h *host) quiet(t *testing.T) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(h.admin)
	eventually(t, "no namespace is being deleted", func(ctx context.Context) error {
		namespaces, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, namespace := range namespaces.Items {
			if namespace.DeletionTimestamp != nil {
				return fmt.Errorf("%s is", namespace.Name)
			}
		}
		return nil
	})
}

// revision is etcd's, which lists of built-in kinds carry.
func (h *host) revision(t *testing.T) int {
	t.Helper()
	list, err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{Limit: 1})
	require.NoError(t, err)
	revision, err := strconv.Atoi(list.ResourceVersion)
	require.NoError(t, err)
	return revision
}

// keys counts the keys of etcd below a prefix, or those of them that hold a word.
func (h *host) keys(t *testing.T, prefix string, word ...string) int {
	t.Helper()
	output, err := h.run("hack/cluster/run", append([]string{"keys", prefix}, word...)...)
	require.NoError(t, err)
	count, err := strconv.Atoi(strings.TrimSpace(output))
	require.NoError(t, err)
	return count
}

// seesMarker shows that a word is found in etcd where it is.
func (h *host) seesMarker(t *testing.T, namespace, marker string) {
	t.Helper()
	_, err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().ConfigMaps(namespace).Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "found"}, Data: map[string]string{"title": marker}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, h.keys(t, "/registry/", marker))
}
