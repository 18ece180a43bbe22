// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kubectl is a person at a terminal.
type kubectl struct {
	path        string
	environment []string
}

func (m *team) kubectl(t testing.TB) *kubectl {
	t.Helper()
	own := []string{"KUBECONFIG=" + m.kubeconfig(t, m.developer), "HOME=" + t.TempDir()}
	return &kubectl{path: m.host.program("kubectl"), environment: slices.Concat(m.host.environment, own)}
}

// run returns what the command prints to standard output. It must succeed.
func (k *kubectl) run(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := k.try(t.Context(), "", args...)
	require.NoError(t, err, "kubectl %s: %s%s", strings.Join(args, " "), stdout, stderr)
	return stdout
}

// fail returns what the command prints to standard error. It must fail.
func (k *kubectl) fail(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := k.try(t.Context(), "", args...)
	require.Error(t, err, "kubectl %s: %s", strings.Join(args, " "), stdout)
	return stderr
}

func (k *kubectl) try(ctx context.Context, stdin string, args ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, k.path, args...)
	cmd.Env = k.environment
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func exitCode(t testing.TB, err error) int {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	return exit.ExitCode()
}
