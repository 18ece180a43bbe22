// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"kite.dev/kite/cmd/apiserver/app"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/cli"
	"kite.dev/kite/test/pgtest"
)

// envCommand makes the test binary a kite-apiserver.
const envCommand = "KITE_TEST_AS_APISERVER"

func TestMain(m *testing.M) {
	if os.Getenv(envCommand) != "" {
		os.Exit(cli.Run(app.NewCommand(), os.Stderr))
	}
	os.Exit(m.Run())
}

// command is kite-apiserver as a process of its own, with these flags and no other environment.
func command(ctx context.Context, environment []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{envCommand + "=1"}, environment...)
	return cmd
}

// emptyHost is a kubeconfig of a host cluster that serves no API but namespaces, and has
// none of them.
func emptyHost(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(noNamespaces))
	t.Cleanup(server.Close)
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["host"] = &clientcmdapi.Cluster{Server: server.URL}
	cfg.Contexts["host"] = &clientcmdapi.Context{Cluster: "host"}
	cfg.CurrentContext = "host"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*cfg, path))
	return path
}

func noNamespaces(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.URL.Path != "/api/v1/namespaces" || query.Has("sendInitialEvents"):
		http.NotFound(w, r)
	case query.Has("watch"):
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		_, _ = io.WriteString(w, `{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	cases := map[string]struct {
		reason string
		args   []string
		env    []string
		want   string
	}{
		"NoDSN": {
			reason: "both ways to give it are named",
			want:   "no PostgreSQL DSN: give --postgres-dsn-file or the environment variable KITE_POSTGRES_DSN",
		},
		"UnreadableDSN": {
			reason: "a Secret that is not mounted",
			args:   []string{"--postgres-dsn-file=/nowhere/dsn"},
			want:   "read the PostgreSQL DSN (--postgres-dsn-file): open /nowhere/dsn: no such file or directory",
		},
		"EmptyDSN": {
			reason: "a Secret without content",
			args:   []string{"--postgres-dsn-file=" + empty},
			want:   "read the PostgreSQL DSN (--postgres-dsn-file): " + empty + " is empty",
		},
		"UnparseableDSN": {
			reason: "the password is not printed",
			env:    []string{options.EnvDSN + "=postgres://kite:hunter2@db:port/kite"},
			want:   "the PostgreSQL DSN cannot be parsed: want a URL such as",
		},
		"BadVariable": {
			reason: "the variable is named, not only the flag",
			env:    []string{"KITE_SECURE_PORT=abc"},
			want:   "environment variable KITE_SECURE_PORT: invalid argument",
		},
		"BadFlagValues": {
			reason: "every error at once",
			args:   []string{"--migrate=always", "--authorization-client-qps=0"},
			want:   "[--migrate=always: want auto or off, --authorization-client-qps must be greater than 0]",
		},
		"UnknownCommand": {
			reason: "a typing error does not serve",
			args:   []string{"migrat"},
			want:   `unknown command "migrat" for "kite-apiserver"`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t.Context(), tc.env, tc.args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Run(), &exit, tc.reason)
			require.Equal(t, 1, exit.ExitCode())
			lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(stderr.String()), "\n"), isRaceNotice)
			require.Len(t, lines, 1, tc.reason)
			require.Contains(t, lines[0], "Error: "+tc.want, tc.reason)
			require.NotContains(t, lines[0], "hunter2")
		})
	}
}

// isRaceNotice tells what component-base logs first in a program built with -race.
func isRaceNotice(line string) bool { return strings.HasSuffix(line, "Data race detection enabled") }

func TestMigrateWithoutDatabase(t *testing.T) {
	t.Parallel()
	env := []string{options.EnvDSN + "=postgres://kite:hunter2@127.0.0.1:1/kite"}
	out, err := command(t.Context(), env, "migrate").CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.NotContains(t, string(out), "hunter2")

	out, err = command(t.Context(), env, "migrate", "--skip-unreachable").CombinedOutput()
	require.NoError(t, err, "a server that starts next still serves discovery")
	require.Contains(t, string(out), "schema kite is not looked at: connect to PostgreSQL")
	require.NotContains(t, string(out), "hunter2")
}

func TestServeNamesTheMissingMigration(t *testing.T) {
	t.Parallel()
	pg := pgtest.EmptyConfig(t)
	cmd := command(t.Context(), []string{options.EnvDSN + "=" + pg.DSN},
		"--postgres-schema="+pg.Schema, "--kubeconfig="+emptyHost(t), "--authentication-skip-lookup")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	require.Regexp(t, `^Error: schema "`+pg.Schema+`" is at version 0, this program needs \d+: run .kite-apiserver migrate.$`,
		lines[len(lines)-1])
}

// TestMigrateDoctorServe is the way of an operator: migrate, look, serve, stop.
func TestMigrateDoctorServe(t *testing.T) {
	t.Parallel()
	pg := pgtest.EmptyConfig(t)
	dsn := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(dsn, []byte(pg.DSN+"\n"), 0o600))
	env := []string{"KITE_POSTGRES_DSN_FILE=" + dsn, "KITE_POSTGRES_SCHEMA=" + pg.Schema}

	out, err := command(t.Context(), env, "doctor").Output()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "FAIL  schema "+pg.Schema+" does not exist  — run `kite-apiserver migrate`")
	out, err = command(t.Context(), env, "migrate").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "schema "+pg.Schema+" migrated from version 0 to ")
	out, err = command(t.Context(), env, "migrate").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "nothing to do")
	out, err = command(t.Context(), env, "doctor").Output()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "FAIL")

	log := serveOnce(t, env)
	require.Contains(t, log, `"part":"admission plugin MutatingAdmissionPolicy"`)
	require.Contains(t, log, `"part":"priority and fairness"`)
}

func TestServeMigrates(t *testing.T) {
	t.Parallel()
	pg := pgtest.EmptyConfig(t)
	log := serveOnce(t, []string{
		options.EnvDSN + "=" + pg.DSN, "KITE_POSTGRES_SCHEMA=" + pg.Schema, "KITE_MIGRATE=auto",
	})
	require.Contains(t, log, `"msg":"Schema is up to date"`)
}

// serveOnce serves until the server is ready, stops it as a kubelet does, and returns its log.
func serveOnce(t *testing.T, env []string) string {
	t.Helper()
	port := freePort(t)
	server := command(t.Context(), env, "serve", "--secure-port="+port, "--kubeconfig="+emptyHost(t), "--authentication-skip-lookup",
		"--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota", "--logging-format=json")
	var log bytes.Buffer
	server.Stderr = &log
	require.NoError(t, server.Start())
	requireHealthy(t, "https://127.0.0.1:"+port+"/readyz")
	require.NoError(t, server.Process.Signal(syscall.SIGTERM))
	require.NoError(t, server.Wait(), "%s", log.String())
	return log.String()
}

func TestHelp(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		args   []string
		want   []string
		not    []string
	}{
		"Root": {
			reason: "serve is the default, so its flags are the root's",
			args:   []string{"--help"},
			want: []string{
				"Commands:", "migrate", "doctor", "Postgres flags:", "Host cluster flags:", "Secure serving flags:",
				"Authentication flags:", "Authorization flags:", "Admission flags:", "Server flags:", "Features flags:",
				"Auditing flags:", "Traces flags:", "Logs flags:", "--postgres-dsn-file", "--shutdown-delay-duration",
			},
		},
		"Migrate": {
			reason: "only what migrating needs",
			args:   []string{"migrate", "--help"},
			want:   []string{"Postgres flags:", "--postgres-schema"},
			not:    []string{"--history", "--secure-port"},
		},
		"Version": {
			reason: "the program's name and version",
			args:   []string{"--version"},
			want:   []string{"kite-apiserver version v"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t.Context(), nil, tc.args...).Output()
			require.NoError(t, err, tc.reason)
			for _, want := range tc.want {
				require.Contains(t, string(out), want, tc.reason)
			}
			for _, not := range tc.not {
				require.NotContains(t, string(out), not, tc.reason)
			}
		})
	}
}

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

// requireHealthy needs no credentials, as a probe.
func requireHealthy(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate is made at start
	}}
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
	require.NoError(t, err, "%s never answered 200", url)
}
