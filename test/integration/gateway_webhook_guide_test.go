// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestGatewayWebhookGuide runs the script of the guide, as a team would.
func TestGatewayWebhookGuide(t *testing.T) {
	t.Parallel()
	cfg, host, g := startWebhooks(t)
	host.SetSecret(namespace, "ci", map[string]string{"secret": webhookSecret})
	createWebhook(t, cfg, ciWebhook(func(w *v1alpha1.IssueWebhook) {
		w.Name, w.Spec.IdempotencyKey = "nightly", ""
		w.Spec.Authentication.HMAC.TimestampHeader = "X-Timestamp"
	}))
	readiness(t, cfg, "nightly", v1alpha1.ReasonReady)
	authority := filepath.Join(t.TempDir(), "ca.crt")
	require.NoError(t, os.WriteFile(authority, g.config.CAData, 0o600))

	guide, err := os.ReadFile("../../docs/user/webhooks.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```console\n(\\$ BODY=.*?)```").FindSubmatch(guide)
	require.NotNil(t, block)
	script := strings.NewReplacer(
		"$ BODY", "BODY", "\n$ ", "\n", "curl ", "curl --silent --cacert "+authority+" ", "https://GATEWAY", g.config.Host,
	).Replace(string(block[1]))
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Env, cmd.Stderr = append(os.Environ(), "SECRET="+webhookSecret), t.Output()
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"result":"Created"`)
}
