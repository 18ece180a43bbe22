// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// TestMonitor: a team writes a monitor for its namespace. What kite-controllers may not read is
// said with the command that grants it, and that command does.
//
//nolint:paralleltest // there is one cluster
func TestMonitor(t *testing.T) {
	c := newCluster(t)
	namespace := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	editor := c.account(t, namespace, "editor", "edit")
	monitors, issues := editor.IssueMonitors(namespace), editor.Issues(namespace)
	_, err := monitors.Create(t.Context(), &v1alpha1.IssueMonitor{
		ObjectMeta: metav1.ObjectMeta{Name: "settings"},
		Spec: v1alpha1.IssueMonitorSpec{
			Resource: v1alpha1.MonitoredResource{Version: "v1", Resource: "configmaps", Kind: "ConfigMap"},
			Failing:  `object.?data.?state.orValue("") == "broken"`,
			Issue:    v1alpha1.IssueTemplate{Type: "config", Severity: v1alpha1.SeverityMinor, Title: `object.metadata.name + " is broken"`},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)

	missing := awaitCondition(t, monitors, "settings", v1alpha1.ReasonRightMissing)
	_, command, found := strings.Cut(missing.Message, "To grant it: ")
	require.True(t, found, missing.Message)
	t.Cleanup(func() { c.kubectl(t, "delete", "clusterrole", "kite-monitor-sources-configmaps", "--ignore-not-found") })
	grant := exec.CommandContext(t.Context(), "bash", "-c", command)
	grant.Env = c.environment
	output, err := grant.CombinedOutput()
	require.NoError(t, err, "%s: %s", command, output)
	awaitCondition(t, monitors, "settings", v1alpha1.ReasonWatching)

	maps := c.kubernetes.CoreV1().ConfigMaps(namespace)
	watched, err := maps.Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "web"}, Data: map[string]string{"state": "broken"},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	awaitOnly(t, issues, v1alpha1.StateActive, "")
	watched.Data["state"] = "fine"
	watched, err = maps.Update(t.Context(), watched, metav1.UpdateOptions{})
	require.NoError(t, err)
	awaitOnly(t, issues, v1alpha1.StateResolved, v1alpha1.ReasonSucceeded)
	watched.Data["state"] = "broken"
	_, err = maps.Update(t.Context(), watched, metav1.UpdateOptions{})
	require.NoError(t, err)
	awaitOnly(t, issues, v1alpha1.StateActive, "")
	require.NoError(t, monitors.Delete(t.Context(), "settings", metav1.DeleteOptions{}))
	awaitOnly(t, issues, v1alpha1.StateResolved, v1alpha1.ReasonMonitorDeleted)
}

func awaitCondition(t *testing.T, monitors issuesclient.IssueMonitorInterface, name, reason string) *metav1.Condition {
	t.Helper()
	var out *metav1.Condition
	eventually(t, "the monitor says "+reason, func(ctx context.Context) error {
		monitor, err := monitors.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if out = meta.FindStatusCondition(monitor.Status.Conditions, v1alpha1.ConditionWatching); out == nil || out.Reason != reason {
			return fmt.Errorf("the condition is %v", out)
		}
		return nil
	})
	return out
}

// awaitOnly waits for the state of the only issue, and what it was resolved for.
func awaitOnly(t *testing.T, issues issuesclient.IssueInterface, state v1alpha1.IssueState, reason string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the issue is %s %s", state, reason), func(ctx context.Context) error {
		list, err := issues.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 {
			return fmt.Errorf("there are %d issues", len(list.Items))
		}
		status := &list.Items[0].Status
		if status.State != state || reason != "" && status.Transitions[0].Reason != reason {
			return fmt.Errorf("it is %s: %v", status.State, status.Transitions)
		}
		return nil
	})
}

// TestConfigz: who may read metrics sees what is in force, as docs/operator/configuration.md
// says.
//
//nolint:paralleltest // there is one cluster
func TestConfigz(t *testing.T) {
	c := newCluster(t)
	namespace := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	c.clusterAccount(t, namespace, "reader", "kite-metrics-reader")
	c.account(t, namespace, "stranger", "admin")
	for program, kind := range map[string]string{"kite-controllers": "ControllersConfiguration", "kite-gateway": "GatewayConfiguration"} {
		address := "https://" + c.forward(t, "deployment/"+program, "8443") + "/configz"
		require.Contains(t, c.curl(t, namespace, "reader", address), kind)
		require.NotContains(t, c.curl(t, namespace, "stranger", address), kind)
	}
}

// curl reads what is served with a self-signed certificate.
func (c *cluster) curl(t *testing.T, namespace, account, address string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", `curl --silent --show-error --insecure --max-time 60 `+
		`-H "Authorization: Bearer $(kubectl create token -n "$1" "$2")" "$3"`, "curl", namespace, account, address)
	cmd.Env = c.environment
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return string(output)
}
