// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package native shows that everything that users of Kubernetes take for granted works
// on Issues, in pods on a real cluster, through its kube-apiserver and its
// kube-controller-manager. docs/developer/native.md lists what each test shows. It
// takes a cluster, so it runs only when it is asked to, by make test-native.
package native

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	root = "../.."
	// system is the namespace that Kite runs in.
	system = "kite-system"
	// apiService is what registers Kite in the cluster.
	apiService = "v1alpha1.issues.kite.dev"
)

// host is the cluster that the tests share, with Kite in it.
type host struct {
	// admin may do everything.
	admin *rest.Config
	// environment points commands at the cluster.
	environment []string
	// own says that this machine made the cluster, and its parts may be killed.
	own bool
}

// cluster installs Kite once, in the cluster of KUBECONFIG or in one that is made for it.
func cluster(t testing.TB) *host {
	t.Helper()
	return asked(t, installed)
}

// asked skips a test that nobody asked for.
func asked(t testing.TB, get func() (*host, error)) *host {
	t.Helper()
	if os.Getenv("KITE_E2E") == "" {
		t.Skip("it takes over a cluster; run it by make test-native")
	}
	h, err := get()
	require.NoError(t, err)
	return h
}

var installed = sync.OnceValues(func() (*host, error) {
	h, err := started()
	if err != nil {
		return nil, err
	}
	_, err = h.run("hack/install", "dist/native", "artifacts/components/audit", "test/native/component")
	return h, err
})

// started is the cluster with or without Kite in it.
var started = sync.OnceValues(func() (*host, error) {
	h := &host{environment: os.Environ()}
	exports, err := h.run("hack/cluster/up")
	if err != nil {
		return nil, err
	}
	h.own = exports != ""
	for line := range strings.Lines(exports) {
		h.environment = append(h.environment, os.ExpandEnv(strings.TrimSpace(strings.TrimPrefix(line, "export "))))
	}
	if h.own {
		dsn, err := os.ReadFile(h.variable("KITE_POSTGRES_DSN_FILE"))
		if err != nil {
			return nil, err
		}
		h.environment = append(h.environment, "KITE_POSTGRES_DSN="+string(dsn))
	}
	h.admin, err = clientcmd.BuildConfigFromFlags("", h.variable("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	h.admin.QPS = -1 // tests are no neighbours that have to be protected
	return h, nil
})

// variable is the last value of an environment variable.
func (h *host) variable(name string) string {
	for _, assignment := range slices.Backward(h.environment) {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	return ""
}

// run runs a script of this repository and returns what it prints.
func (h *host) run(script string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), filepath.Join(root, script), args...)
	cmd.Env = h.environment
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s\n%s", script, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// program finds a program in the cluster's PATH.
func (h *host) program(name string) string {
	for dir := range strings.SplitSeq(h.variable("PATH"), ":") {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	return name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
