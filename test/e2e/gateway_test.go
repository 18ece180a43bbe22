// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// alertStarted is when the alert of testdata/webhooks.sh began to fire.
var alertStarted = time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)

// webhooks sends what a script sends, with the token of the account sender, which may report.
func (p *place) webhooks(t *testing.T, of, step string) {
	t.Helper()
	token, err := p.kubernetes.CoreV1().ServiceAccounts(p.namespace).CreateToken(t.Context(), "sender", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	secret, err := p.kubernetes.CoreV1().Secrets(system).Get(t.Context(), "kite-gateway-tls", metav1.GetOptions{})
	require.NoError(t, err)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	require.NoError(t, os.WriteFile(ca, secret.Data["ca.crt"], 0o600))

	cmd := exec.CommandContext(t.Context(), "testdata/webhooks.sh", of, step)
	cmd.Env = append(slices.Clone(p.environment), "ADDRESS="+p.forward(t, "service/kite-gateway", "443"), "CA="+ca,
		"TOKEN="+token.Status.Token, "NAMESPACE="+p.namespace, "STARTS="+alertStarted)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	t.Logf("%s", output)
}

// forward makes a port of Kite reachable until the test ends.
func (c *cluster) forward(t *testing.T, of, port string) string {
	t.Helper()
	cmd := c.kubectlCommand(t.Context(), "port-forward", "-n", system, of, ":"+port)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // it was killed
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
	require.NotEmpty(t, address, line)
	return address
}
