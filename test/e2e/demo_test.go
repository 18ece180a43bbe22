// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e tests Kite in pods on a real cluster. It brings the cluster up when
// KUBECONFIG names none, which needs root; so it runs only when it is asked to, by
// make test-e2e.
package e2e

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDemo runs what the README shows, and then uninstalls Kite. The scripts check
// each of their steps: the Issue's way from Active to Resolved and back, the watch,
// 403, etcd; and that nothing of Kite stays in the cluster.
//
//nolint:paralleltest // there is one cluster
func TestDemo(t *testing.T) {
	if os.Getenv("KITE_E2E") == "" {
		t.Skip("it takes over a cluster; run it by make test-e2e")
	}
	for _, script := range []string{"hack/demo/run", "hack/demo/remove"} {
		cmd := exec.CommandContext(t.Context(), script)
		cmd.Dir = "../.."
		cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
		require.NoError(t, cmd.Run(), script)
	}
}
