// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	encryptioncontroller "k8s.io/apiserver/pkg/server/options/encryptionconfig/controller"
	kms "k8s.io/apiserver/pkg/storage/value/encrypt/envelope/testing/v2"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

func init() { //nolint:gochecknoinits // upstream's interval is a minute, and is read at each start
	encryptioncontroller.EncryptionConfigFileChangePollDuration = 50 * time.Millisecond
}

const (
	providerIdentity = "identity: {}"
	providerAES      = "aesgcm: {keys: [{name: one, secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}"
)

// encryptionConfig encrypts issues with the first provider, and reads with all.
func encryptionConfig(providers ...string) string {
	return "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n" +
		"- resources: ['*.issues.kite.dev']\n  providers:\n  - " + strings.Join(providers, "\n  - ") + "\n"
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "encryption.yaml")
	replaceFile(t, path, content)
	return path
}

// replaceFile shows nobody half a file, as the kubelet does with a mounted Secret.
func replaceFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// startEncrypting starts a server on a schema with an encryption configuration.
func startEncrypting(t *testing.T, pg postgres.Config, file string, reload bool) *rest.Config {
	t.Helper()
	cfg := newConfig(t, settings{postgres: &pg})
	encryption := options.NewEncryptionOptions()
	encryption.ConfigFile, encryption.AutomaticReload = file, reload
	require.NoError(t, encryption.ApplyTo(&cfg.Generic.Config, apiserver.StoredResources()))
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	run(t, server)
	waitReady(t, cfg.Generic.LoopbackClientConfig)
	return rest.CopyConfig(cfg.Generic.LoopbackClientConfig)
}

// TestEncryptionAtRest is the way of an operator: objects are there, encryption is
// rolled out, everything is written anew; then it is given up again.
func TestEncryptionAtRest(t *testing.T) {
	t.Parallel()
	const secret = "TopSecret"
	ctx := t.Context()
	pg := pgtest.Config(t)
	plain := startEncrypting(t, pg, writeFile(t, encryptionConfig(providerIdentity, providerAES)), false)
	encrypting := startEncrypting(t, pg, writeFile(t, encryptionConfig(providerAES, providerIdentity)), false)
	for _, name := range []string{"one", "two", "three"} {
		issue := newIssue(name)
		issue.Spec.Title, issue.Spec.Description, issue.Spec.Application = "Title "+secret, "Because "+secret, "app-"+secret
		_, err := Client(t, plain).IssuesV1alpha1().Issues(namespace).Create(ctx, issue, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"issues", "objects"}, tablesWith(t, pg, secret))

	select3 := func(when string) {
		for _, cfg := range []*rest.Config{plain, encrypting} {
			for _, selector := range []string{"spec.application=app-" + secret, "search=because topsecret", "spec.severity=major", "status.state=Active"} {
				list, err := Client(t, cfg).IssuesV1alpha1().Issues("").List(ctx, metav1.ListOptions{FieldSelector: selector})
				require.NoError(t, err)
				require.Len(t, list.Items, 3, "%s, %s", selector, when)
			}
		}
	}
	select3("before encryption")
	replaceOne(t, encrypting, "two")
	select3("after the first encrypted write")
	replaceOne(t, encrypting, "one")
	replaceOne(t, encrypting, "three")
	select3("when all are encrypted")
	trimHistory(t, pg)
	require.Empty(t, tablesWith(t, pg, secret))

	for _, name := range []string{"one", "two", "three"} {
		replaceOne(t, plain, name)
	}
	select3("when all are plain again")
	require.Equal(t, []string{"issues", "objects"}, tablesWith(t, pg, secret))
}

// replaceOne does what kubectl replace does with an issue that it has just read.
func replaceOne(t *testing.T, cfg *rest.Config, name string) {
	t.Helper()
	issue := getIssue(t, cfg, name)
	replaced, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Update(t.Context(), issue, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, issue.ResourceVersion, replaced.ResourceVersion, "its stored form has changed")
}

// trimHistory makes all history old, and lets an engine with a clock of its own trim it.
func trimHistory(t *testing.T, pg postgres.Config) {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now())
	pg.Clock = clock
	pgtest.Open(t, pg)
	conn := connect(t, pg)
	require.Eventually(t, func() bool {
		_, err := conn.Exec(t.Context(), "UPDATE events SET at = at - interval '1 hour'")
		require.NoError(t, err)
		clock.Step(time.Minute)
		var changes int
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM events WHERE op <> 'N'").Scan(&changes))
		return changes == 0
	}, startTimeout, 20*time.Millisecond)
}

func connect(t *testing.T, pg postgres.Config) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(pg.DSN)
	require.NoError(t, err)
	cfg.RuntimeParams["search_path"] = pg.Schema
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

// tablesWith are the tables that hold a text, in either case, in any column.
func tablesWith(t *testing.T, pg postgres.Config, text string) []string {
	t.Helper()
	conn := connect(t, pg)
	rows, err := conn.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", pg.Schema)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	var found []string
	for _, table := range tables {
		var holds bool
		// The text of a row shows bytea in hex.
		sql := fmt.Sprintf("SELECT coalesce(bool_or(position($1 in lower(r::text)) > 0 OR position($2 in r::text) > 0), false) FROM %s r", table)
		require.NoError(t, conn.QueryRow(t.Context(), sql, strings.ToLower(text), fmt.Sprintf("%x", text)).Scan(&holds))
		if holds {
			found = append(found, table)
		}
	}
	return found
}

// TestEncryptionReload: a running server takes up another file.
func TestEncryptionReload(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	file := writeFile(t, encryptionConfig(providerIdentity))
	cfg := startEncrypting(t, pg, file, true)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	_, err := client.Create(t.Context(), newIssue("plain"), metav1.CreateOptions{})
	require.NoError(t, err)
	conn := connect(t, pg)
	require.False(t, isEncrypted(t, conn, "plain"))

	replaceFile(t, file, encryptionConfig(providerAES, providerIdentity))
	require.Eventually(t, func() bool {
		name := "n" + uuid.NewString()
		_, err := client.Create(t.Context(), newIssue(name), metav1.CreateOptions{})
		require.NoError(t, err)
		return isEncrypted(t, conn, name)
	}, startTimeout, 50*time.Millisecond)
	_, err = client.Get(t.Context(), "plain", metav1.GetOptions{})
	require.NoError(t, err)
}

func isEncrypted(t *testing.T, conn *pgx.Conn, name string) bool {
	t.Helper()
	var encrypted bool
	err := conn.QueryRow(t.Context(), "SELECT substr(value, 1, 8) = 'k8s:enc:' FROM objects WHERE key LIKE '%/' || $1", name).Scan(&encrypted)
	require.NoError(t, err)
	return encrypted
}

// TestKMSPlugin: a server whose plugin is down starts, and says why it is not ready.
func TestKMSPlugin(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "kms.sock")
	plugin := kms.NewBase64Plugin(t, socket)
	plugin.EnterFailedState()

	pg := pgtest.Config(t)
	cfg := newConfig(t, settings{postgres: &pg})
	encryption := options.NewEncryptionOptions()
	encryption.ConfigFile = writeFile(t, encryptionConfig("kms: {apiVersion: v2, name: plugin, endpoint: \"unix://"+socket+"\"}"))
	require.NoError(t, encryption.ApplyTo(&cfg.Generic.Config, apiserver.StoredResources()))
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	run(t, server)
	loopback := cfg.Generic.LoopbackClientConfig
	status := func(path string) int {
		code, _ := Get(t.Context(), t, loopback, path)
		return code
	}
	require.Eventually(t, func() bool { return status("/readyz?exclude=kms-providers") == http.StatusOK }, startTimeout, 20*time.Millisecond)
	require.Equal(t, http.StatusInternalServerError, status("/readyz"))
	require.Equal(t, http.StatusOK, status("/livez"), "a restart mends no plugin")
	client := Client(t, loopback).IssuesV1alpha1().Issues(namespace)
	_, err = client.Create(t.Context(), newIssue("a"), metav1.CreateOptions{})
	require.Error(t, err, "nothing is stored in the clear instead")

	plugin.ExitFailedState()
	waitReady(t, loopback)
	_, err = client.Create(t.Context(), newIssue("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, isEncrypted(t, connect(t, pg), "a"))
	list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.severity=" + string(v1alpha1.SeverityMajor)})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
}

// TestWrongEncryptionConfig: the program ends before it serves anything, and says why.
func TestWrongEncryptionConfig(t *testing.T) {
	t.Parallel()
	env := []string{options.EnvDSN + "=postgres://kite:hunter2@127.0.0.1:1/kite"}
	other := writeFile(t, strings.Replace(encryptionConfig(providerAES), "'*.issues.kite.dev'", "secrets", 1))
	for name, tc := range map[string]struct {
		reason string
		env    string
		want   string
	}{
		"NoFile":      {"a Secret that is not mounted", "/nowhere/encryption.yaml", "no such file"},
		"OtherServer": {"a file for kube-apiserver", other, "no provider for clusterissuemonitors.issues.kite.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t.Context(), append(env, "KITE_ENCRYPTION_PROVIDER_CONFIG="+tc.env), "serve", "--kubeconfig="+emptyHost(t)).CombinedOutput()
			require.Error(t, err, tc.reason)
			require.Contains(t, string(out), "Error: set up encryption at rest (--encryption-provider-config): ", tc.reason)
			require.Contains(t, string(out), tc.want)
			require.NotContains(t, string(out), "Serving securely")
		})
	}
}
