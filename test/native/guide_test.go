// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// transcript makes of a guide's console blocks the script that they tell, and what it must
// print: a command begins with "$ ", what follows up to its end as the shell sees it is part
// of it, and the rest is output.
func transcript(guide string) (script, output string) {
	var commands, printed strings.Builder
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(guide, -1) {
		end := "" // of the command that goes on
		for line := range strings.Lines(block[1]) {
			command, begins := strings.CutPrefix(line, "$ ")
			switch {
			case begins:
				commands.WriteString(command)
				end = ending(command)
			case end != "":
				commands.WriteString(line)
				if strings.TrimSuffix(line, "\n") == end {
					end = ""
				}
			default:
				printed.WriteString(line)
			}
		}
	}
	return commands.String(), printed.String()
}

// ending is the line that ends a command which goes on.
func ending(command string) string {
	switch {
	case strings.Contains(command, "<<END"):
		return "END"
	case strings.HasSuffix(command, "{\n"):
		return "}"
	default:
		return ""
	}
}

// TestHTTPGuide runs what the guide for CI systems says, as an administrator of the
// namespace, and compares what it prints.
func TestHTTPGuide(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	admin := m.account(t, "administrator", "admin", "kite-issues-reporter")
	guide, err := os.ReadFile(filepath.Join(root, "docs/user/http.md"))
	require.NoError(t, err)
	script, want := transcript(string(guide))
	require.Len(t, lines(want), 7, "three results and a refusal of four fields")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.crt"), admin.CAData, 0o600))
	cmd := exec.CommandContext(t.Context(), "bash", "-o", "nounset", "-c", script)
	cmd.Dir = dir
	cmd.Env = slices.Concat(m.host.environment, []string{
		"KUBECONFIG=" + m.kubeconfig(t, admin), "SERVER=" + admin.Host, "NAMESPACE=" + m.namespace,
	})
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s%s", stdout.String(), stderr.String())
	kubectlSays := regexp.MustCompile(`(?m)^(serviceaccount|rolebinding).* created\n`)
	require.Equal(t, want, kubectlSays.ReplaceAllString(stdout.String(), ""), stderr.String())
}

// TestProducerExample: the program of the guide for producers reports an address that fails,
// and its recovery, with a ServiceAccount that may create reports and nothing else.
func TestProducerExample(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	program := filepath.Join(t.TempDir(), "producer")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(root, "examples/producer")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)

	var healthy atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !healthy.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(web.Close)
	cmd := exec.CommandContext(t.Context(), program, "--namespace", m.namespace, "--interval", "200ms", "web="+web.URL)
	cmd.Env = append(slices.Clone(m.host.environment), "KUBECONFIG="+m.kubeconfig(t, m.account(t, "producer", "kite-issues-reporter")))
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // it was killed

	for _, step := range []struct {
		healthy bool
		want    v1alpha1.IssueState
	}{{false, v1alpha1.StateActive}, {true, v1alpha1.StateResolved}, {false, v1alpha1.StateActive}} {
		healthy.Store(step.healthy)
		eventually(t, "the issue is "+string(step.want), func(ctx context.Context) error {
			list, err := m.issues(t).List(ctx, metav1.ListOptions{})
			if err == nil && (len(list.Items) != 1 || list.Items[0].Status.State != step.want) {
				err = fmt.Errorf("have %d issues, want one that is %s", len(list.Items), step.want)
			}
			return err
		})
	}
}
