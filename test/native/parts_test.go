// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1apihelper "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// killable skips a test that kills parts of a cluster that others may use. Such a test
// does not call t.Parallel: parallel ones wait until it has repaired what it broke.
func killable(t *testing.T, h *host) {
	t.Helper()
	if !h.own {
		t.Skip("it kills parts of the cluster, and this one is somebody else's")
	}
}

// kill ends a part of the cluster as a crash does. It runs again when the test ends.
func (h *host) kill(t *testing.T, part string) {
	t.Helper()
	t.Cleanup(func() { h.start(t, part) })
	_, err := h.run("hack/cluster/run", "kill", part)
	require.NoError(t, err)
}

// start starts a part, unless it runs, and waits until it answers.
func (h *host) start(t *testing.T, part string) {
	t.Helper()
	_, err := h.run("hack/cluster/run", "start", part)
	require.NoError(t, err)
}

func (h *host) restart(t *testing.T, part string) {
	t.Helper()
	h.kill(t, part)
	h.start(t, part)
}

// readyReplicas are the pods of kite-apiserver, when all are ready.
func (h *host) readyReplicas(t *testing.T) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	eventually(t, "both replicas are ready", func(ctx context.Context) error {
		list, err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().Pods(system).List(ctx,
			metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=kite-apiserver"})
		if err != nil {
			return err
		}
		pods = list.Items
		if i := slices.IndexFunc(pods, func(pod corev1.Pod) bool { return !ready(&pod) }); len(pods) != 2 || i >= 0 {
			return fmt.Errorf("%d pods, not ready: number %d", len(pods), i)
		}
		return nil
	})
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// crash kills the process of a replica of kite-apiserver, and waits until kubelet has noticed.
func (h *host) crash(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	require.NoError(t, syscall.Kill(processOf(t, pod.Name), syscall.SIGKILL))
	restarts := pod.Status.ContainerStatuses[0].RestartCount
	eventually(t, pod.Name+" is restarted", func(ctx context.Context) error {
		got, err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().Pods(system).Get(ctx, pod.Name, metav1.GetOptions{})
		if err == nil && got.Status.ContainerStatuses[0].RestartCount == restarts {
			err = fmt.Errorf("%d restarts", restarts)
		}
		return err
	})
}

// processOf finds the process of a pod's kite-apiserver on this machine: a container's
// processes know their pod by HOSTNAME.
func processOf(t *testing.T, pod string) int {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, path := range found {
		environment, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(environment), "\x00"), "HOSTNAME="+pod) {
			continue // another process, or one that has ended meanwhile
		}
		command, err := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
		if err != nil || strings.TrimSpace(string(command)) != "kite-apiserver" {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		return pid
	}
	require.Fail(t, "no process of pod "+pod)
	return 0
}

// scale sets how many replicas of kite-apiserver there are.
func (h *host) scale(t *testing.T, replicas int) {
	t.Helper()
	_, err := kubernetes.NewForConfigOrDie(h.admin).AppsV1().Deployments(system).Patch(context.WithoutCancel(t.Context()), "kite-apiserver",
		types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas), metav1.PatchOptions{})
	require.NoError(t, err)
}

// removeReplicas kills both replicas and keeps them away until scale brings them back,
// at the latest when the test ends.
func (h *host) removeReplicas(t *testing.T) {
	t.Helper()
	pods := h.readyReplicas(t)
	t.Cleanup(func() {
		h.scale(t, 2)
		ctx := context.WithoutCancel(t.Context())
		require.NoError(t, wait.PollUntilContextTimeout(ctx, time.Second, patience, true, func(ctx context.Context) (bool, error) {
			condition, err := h.availability(ctx)
			return err == nil && condition.Status == apiregistrationv1.ConditionTrue, nil
		}))
	})
	h.scale(t, 0)
	for _, pod := range pods {
		err := kubernetes.NewForConfigOrDie(h.admin).CoreV1().Pods(system).Delete(t.Context(), pod.Name, *metav1.NewDeleteOptions(0))
		require.True(t, err == nil || apierrors.IsNotFound(err), "%v", err)
	}
	h.waitAvailable(t, false)
}

// available is the condition of Kite's APIService, with the time at which it changed.
func (h *host) available(t *testing.T) apiregistrationv1.APIServiceCondition {
	t.Helper()
	condition, err := h.availability(t.Context())
	require.NoError(t, err)
	return *condition
}

func (h *host) availability(ctx context.Context) (*apiregistrationv1.APIServiceCondition, error) {
	service, err := aggregator.NewForConfigOrDie(h.admin).ApiregistrationV1().APIServices().Get(ctx, apiService, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	condition := apiregistrationv1apihelper.GetAPIServiceConditionByType(service, apiregistrationv1.Available)
	if condition == nil {
		return nil, errors.New("nobody has looked")
	}
	return condition, nil
}

func (h *host) waitAvailable(t *testing.T, want bool) {
	t.Helper()
	eventually(t, "the APIService", func(ctx context.Context) error {
		condition, err := h.availability(ctx)
		if err == nil && (condition.Status == apiregistrationv1.ConditionTrue) != want {
			err = fmt.Errorf("Available is %s: %s", condition.Status, condition.Message)
		}
		return err
	})
}
