// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const manifest = `apiVersion: issues.kite.dev/v1alpha1
kind: Issue
metadata:
  name: frontend
  labels: {app: shop}
spec:
  title: Build of frontend fails
  type: build
  severity: major
  scope: {kind: Component, name: frontend}
`

func TestKubectlGet(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	create(t, m, "frontend")
	for _, args := range [][]string{{"get", "issues"}, {"get", "iss"}, {"get", "issue", "frontend"}, {"get", "issues.v1alpha1.issues.kite.dev"}} {
		printed := lines(k.run(t, args...))
		require.Len(t, printed, 2, "%v", args)
		require.Regexp(t, `^NAME +SEVERITY +TYPE +STATE +SCOPE +TITLE +COUNT +LAST SEEN +AGE$`, printed[0])
		require.Regexp(t, `frontend +major +build +Active +Component/frontend +Build of frontend fails +1 `, printed[1])
	}
	require.Regexp(t, `(?s)\nissue.issues.kite.dev/frontend +major .*\nissuesummary.issues.kite.dev/summary +1 `, k.run(t, "get", "kite"))
	require.Regexp(t, `APPLICATION +COMPONENT +STAGE +DUE +GROUP`, k.run(t, "get", "issues", "-o", "wide"))
	require.Equal(t, "issue.issues.kite.dev/frontend\n", k.run(t, "get", "issues", "-o", "name"))
	require.Equal(t, "Active", k.run(t, "get", "issue", "frontend", "-o", "jsonpath={.status.state}"))
	require.Contains(t, k.fail(t, "get", "issue", "missing"), `issues.issues.kite.dev "missing" not found`)
}

// TestKubectlGetWatch watches a list: what happens between kubectl's list and its watch
// is told. Of a single object kubectl would leave that out.
func TestKubectlGetWatch(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	create(t, m, "frontend")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.path, "get", "issues", "--watch", "--output-watch-events", "--no-headers")
	cmd.Env = k.environment
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	printed := bufio.NewScanner(stdout)
	require.True(t, printed.Scan())
	require.Regexp(t, `^ADDED +frontend +major`, printed.Text())
	setSeverity(t, m, "critical")
	require.True(t, printed.Scan())
	require.Regexp(t, `^MODIFIED +frontend +critical`, printed.Text())
}

func TestKubectlExplain(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	require.Regexp(t, `(?s)GROUP: +issues.kite.dev\nKIND: +Issue\nVERSION: +v1alpha1`, k.run(t, "explain", "issues"))
	require.Regexp(t, `(?s)FIELD: severity.*ENUM:.*critical.*major`, k.run(t, "explain", "issue.spec.severity"))
	require.Contains(t, k.run(t, "explain", "issues", "--recursive"), "observedGeneration")
	require.Contains(t, k.run(t, "explain", "issuereports.spec.outcome"), "Failed")
	require.Contains(t, k.run(t, "explain", "issues", "--output=plaintext-openapiv2"), "KIND:     Issue")
}

func TestKubectlDescribe(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	create(t, m, "frontend")
	described := m.kubectl(t).run(t, "describe", "issue", "frontend")
	require.Regexp(t, `(?s)Name: +frontend\n.*Kind: +Issue\n.*Title: +Build of frontend fails\n.*State: +Active\n`, described)
}

// TestKubectlEdit lets a script be the editor.
func TestKubectlEdit(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	create(t, m, "frontend")
	editor := filepath.Join(t.TempDir(), "editor")
	require.NoError(t, exec.CommandContext(t.Context(), "sh", "-c",
		`printf '#!/bin/sh\nsed -i "s/severity: major/severity: critical/" "$1"\n' >"$0" && chmod +x "$0"`, editor).Run())
	k.environment = append(k.environment, "KUBE_EDITOR="+editor)
	require.Contains(t, k.run(t, "edit", "issue", "frontend"), "issue.issues.kite.dev/frontend edited")
	got, err := m.issues(t).Get(t.Context(), "frontend", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.SeverityCritical, got.Spec.Severity)
}

func TestKubectlApplyDiffPrune(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	file := writeFile(t, "issue.yaml", manifest)
	require.Contains(t, k.run(t, "apply", "-f", file), "issue.issues.kite.dev/frontend created")
	require.Contains(t, k.run(t, "apply", "-f", file), "issue.issues.kite.dev/frontend unchanged")
	require.Empty(t, k.run(t, "diff", "-f", file))

	changed := writeFile(t, "changed.yaml", strings.ReplaceAll(manifest, "major", "critical"))
	stdout, _, err := k.try(t.Context(), "", "diff", "-f", changed)
	require.Equal(t, 1, exitCode(t, err), "a difference is exit code 1")
	require.Contains(t, stdout, "-  severity: major\n+  severity: critical")
	require.Contains(t, k.run(t, "apply", "-f", changed), "configured")
	require.Contains(t, k.run(t, "apply", "--server-side", "--force-conflicts", "-f", file), "serverside-applied")

	other := writeFile(t, "other.yaml", strings.ReplaceAll(manifest, "frontend", "backend"))
	pruned := k.run(t, "apply", "-f", other, "--prune", "-l", "app=shop", "--prune-allowlist=issues.kite.dev/v1alpha1/Issue")
	require.Contains(t, pruned, "issue.issues.kite.dev/frontend pruned")
	require.Equal(t, "issue.issues.kite.dev/backend\n", k.run(t, "get", "issues", "-o", "name"))
	require.Contains(t, k.run(t, "delete", "-f", other), "deleted")
}

func TestKubectlWait(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	create(t, m, "frontend")
	resolve(t, m, "frontend")
	k.run(t, "wait", "issue/frontend", "--for=condition=Resolved", "--timeout=30s")
	k.run(t, "wait", "issue/frontend", "--for=jsonpath={.status.state}=Resolved", "--timeout=30s")
	require.NoError(t, m.issues(t).Delete(t.Context(), "frontend", metav1.DeleteOptions{}))
	k.run(t, "wait", "issue/frontend", "--for=delete", "--timeout=30s")
}

// resolve is what a person does by the subresource.
func resolve(t testing.TB, m *team, name string) {
	t.Helper()
	_, err := m.issues(t).Resolve(t.Context(), name, &v1alpha1.IssueResolution{Reason: "Fixed"}, metav1.CreateOptions{})
	require.NoError(t, err)
}

func TestKubectlAuthCanI(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	require.Equal(t, "yes\n", k.run(t, "auth", "can-i", "delete", "issues.issues.kite.dev"))
	require.Equal(t, "yes\n", k.run(t, "auth", "can-i", "create", "issues.issues.kite.dev/frontend", "--subresource=resolve"))
	stdout, _, err := k.try(t.Context(), "", "auth", "can-i", "list", "issues.issues.kite.dev", "-n", system)
	require.Equal(t, 1, exitCode(t, err))
	require.Equal(t, "no\n", stdout)
	require.Regexp(t, `issues\.issues\.kite\.dev +\[\] +\[\] +\[.*watch`, k.run(t, "auth", "can-i", "--list"))

	owner := m.account(t, "owner", "admin")
	k.environment = append(k.environment, "KUBECONFIG="+m.kubeconfig(t, owner))
	require.Equal(t, "yes\n", k.run(t, "auth", "can-i", "delete", "issues.issues.kite.dev"), "who owns a namespace needs nothing more")
	require.Equal(t, "yes\n", k.run(t, "auth", "can-i", "create", "issuereports.issues.kite.dev"))
}

// TestKubectlPatchLabelAnnotate are the small edits of every day.
func TestKubectlPatchLabelAnnotate(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	create(t, m, "frontend")
	k.run(t, "label", "issue", "frontend", "tier=web")
	k.run(t, "annotate", "issue", "frontend", "note=seen")
	k.run(t, "patch", "issue", "frontend", "--type=json", "-p", `[{"op":"replace","path":"/spec/title","value":"It fails"}]`)
	got, err := m.issues(t).Get(t.Context(), "frontend", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "web", got.Labels["tier"])
	require.Equal(t, "seen", got.Annotations["note"])
	require.Equal(t, "It fails", got.Spec.Title)
	require.Contains(t, k.fail(t, "label", "issue", "frontend", "issues.kite.dev/severity=info", "--overwrite"), "Invalid value",
		"the server's labels are the server's")
}

func TestFieldValidation(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	k := m.kubectl(t)
	file := writeFile(t, "issue.yaml", manifest+"  colour: red\n")
	require.Contains(t, k.fail(t, "create", "-f", file), `unknown field "spec.colour"`)
	_, stderr, err := k.try(t.Context(), "", "create", "-f", file, "--validate=warn")
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, `Warning: unknown field "spec.colour"`)
	_, err = m.issues(t).Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"colour":"red"}}`),
		metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict})
	require.ErrorContains(t, err, `unknown field "spec.colour"`)
}
