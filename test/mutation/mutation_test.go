// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package mutation shows that the tests of pkg/storage/postgres notice it when one of
// its promises is broken: it breaks one after the other, by replacing text at compile
// time, and expects the named test to fail.
package mutation

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/test/pgtest"
)

// storage is the package that is broken, from here.
const storage = "../../pkg/storage/postgres"

// mutation replaces one text of one file of the package.
type mutation struct {
	// reason is what would happen if nobody noticed.
	reason   string
	file     string
	old, new string
	// test is the test that must fail, of package pkg; storage by default.
	test, pkg string
}

func TestMutationsAreCaught(t *testing.T) {
	if os.Getenv("KITE_MUTATIONS") == "" {
		t.Skip("builds the storage's tests once for each mutation; see make test-mutations")
	}
	t.Setenv(pgtest.EnvDSN, pgtest.DSN(t))
	for name, m := range mutations { //nolint:paralleltest // each is a build of its own
		t.Run(name, func(t *testing.T) { requireCaught(t, m) })
	}
}

// requireCaught runs the named test against the mutated package. That it passes
// without the mutation is for the package's own run to show.
func requireCaught(t *testing.T, m mutation) {
	t.Helper()
	pkg := m.pkg
	if pkg == "" {
		pkg = storage
	}
	// A test that the mutation makes wait for ever is caught by the timeout.
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout=60s", "-failfast",
		"-overlay="+overlay(t, m), "-run=^"+m.test+"$", pkg)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.True(t, err == nil || errors.As(err, &exit), "%v", err)
	require.NotContains(t, string(out), "[build failed]", "%s", out)
	require.NotContains(t, string(out), "no tests to run", "%s", out)
	failed := strings.Contains(string(out), "--- FAIL: "+m.test) || strings.Contains(string(out), "panic: ")
	require.True(t, err != nil && failed, "%s did not notice: %s\n%s", m.test, m.reason, out)
}

// overlay makes the file by which the go command reads the mutated text in place of
// the original.
func overlay(t *testing.T, m mutation) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join(storage, m.file))
	require.NoError(t, err)
	data, err := os.ReadFile(original)
	require.NoError(t, err)
	text := string(data)
	require.Equal(t, 1, strings.Count(text, m.old), "%s has to contain once: %s", m.file, m.old)
	dir := t.TempDir()
	mutant := filepath.Join(dir, filepath.Base(m.file))
	require.NoError(t, os.WriteFile(mutant, []byte(strings.Replace(text, m.old, m.new, 1)), 0o600))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutant}})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, replace, 0o600))
	return file
}
