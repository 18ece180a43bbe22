// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	certutil "k8s.io/client-go/util/cert"
)

// second is a host of its own: another kube-apiserver, with nothing in it.
func (h *host) second(t *testing.T, flags ...string) *host {
	t.Helper()
	port := freePort(t)
	out := &host{admin: rest.CopyConfig(h.admin), own: true}
	out.admin.Host = "https://" + net.JoinHostPort("127.0.0.1", port)
	out.environment = slices.Concat(h.environment, []string{"KUBECONFIG=" + (&team{}).kubeconfig(t, out.admin)})
	h.daemon(t, filepath.Join(root, "hack/cluster/run"), append([]string{"second", port}, flags...)...)
	client, err := rest.HTTPClientFor(out.admin)
	require.NoError(t, err)
	eventually(t, "the second kube-apiserver is ready", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, out.admin.Host+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
	return out
}

// serve runs kite-apiserver on this machine behind the host's aggregator, on a schema of
// its own, and waits until the host finds it. It returns the name of its log.
func (h *host) serve(t *testing.T) (log string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kite-apiserver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/apiserver")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	port := freePort(t)
	certificate, key, err := certutil.GenerateSelfSignedCertKey("kite.default.svc", nil, nil)
	require.NoError(t, err)
	schema := "kite_host_" + port
	t.Cleanup(func() { h.dropSchema(t, schema) })
	kubeconfig := h.variable("KUBECONFIG")
	log = h.daemon(t, program, "serve",
		"--bind-address=127.0.0.1", "--secure-port="+port,
		"--tls-cert-file="+writeFile(t, "tls.crt", string(certificate)), "--tls-private-key-file="+writeFile(t, "tls.key", string(key)),
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--postgres-dsn-file="+h.variable("KITE_POSTGRES_DSN_FILE"), "--postgres-schema="+schema, "--migrate=auto")
	admin := &kubectl{path: h.program("kubectl"), environment: h.environment}
	manifests := fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: kite, namespace: default}
spec:
  type: ExternalName
  externalName: localhost
  ports: [{port: %[2]s}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: %[1]s}
spec:
  group: issues.kite.dev
  version: v1alpha1
  groupPriorityMinimum: 1000
  versionPriority: 15
  service: {name: kite, namespace: default, port: %[2]s}
  caBundle: %[3]s
`, apiService, port, base64.StdEncoding.EncodeToString(certificate))
	_, stderr, err := admin.try(t.Context(), manifests, "apply", "-f", "-")
	require.NoError(t, err, stderr)
	admin.run(t, "wait", "apiservice", apiService, "--for=condition=Available", "--timeout="+patience.String())
	return log
}

// daemon runs a program of this test, which ends with it. Its log is shown when the test
// fails.
func (h *host) daemon(t *testing.T, program string, args ...string) (log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	file, err := os.Create(log)
	require.NoError(t, err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = h.environment, file, file
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		_ = file.Close()
		if content, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("%s:\n%s", program, content[max(0, len(content)-16<<10):])
		}
	})
	return log
}

func (h *host) dropSchema(t *testing.T, schema string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, h.variable("KITE_POSTGRES_DSN"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
	require.NoError(t, err)
}

// freePort is a port that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		port := strconv.Itoa(20_000 + rand.IntN(10_000)) // connections have those above
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
		require.NoError(t, t.Context().Err())
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
}
