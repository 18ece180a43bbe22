// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// startProcess starts a kite-apiserver as a process of its own, which lets time pass, and
// waits until it serves. It is killed when the test ends.
func startProcess(t *testing.T, pg postgres.Config) *exec.Cmd {
	t.Helper()
	port := freePort(t)
	server := command(t.Context(), []string{options.EnvDSN + "=" + pg.DSN},
		"serve", "--secure-port="+port, "--postgres-schema="+pg.Schema, "--kubeconfig="+emptyHost(t), "--authentication-skip-lookup",
		"--resolved-retention="+week.String(),
		"--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota")
	var log bytes.Buffer
	server.Stderr = &log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // it was killed
		if t.Failed() {
			t.Logf("a server's log:\n%s", log.String())
		}
	})
	requireHealthy(t, "https://127.0.0.1:"+port+"/readyz")
	return server
}

// long is when the first of some failures was that nobody has seen again since.
var long = observed.Add(-2 * week)

// expiredLong is the n-th of them, half a minute apart: all are due, one after the other,
// to be resolved and to leave the API.
func expiredLong(n int) *v1alpha1.IssueReport {
	report := failureOf(fmt.Sprint("p", n))
	report.Spec.ObservedAt = &metav1.MicroTime{Time: long.Add(time.Duration(n) * 30 * time.Second)}
	report.Spec.Issue.ExpiresAfter = &metav1.Duration{Duration: time.Hour}
	return report
}

// holdIssue keeps an issue's row from being written, until the function is called.
func holdIssue(t *testing.T, conn *pgx.Conn, name string) (release func()) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	tag, err := tx.Exec(t.Context(), "SELECT FROM objects WHERE key LIKE '%/' || $1 FOR UPDATE", name)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
	return func() { require.NoError(t, tx.Rollback(context.WithoutCancel(t.Context()))) }
}

// waitBlocked waits until another session waits for what a session holds.
func waitBlocked(t *testing.T, conn *pgx.Conn, holder uint32) {
	t.Helper()
	require.Eventually(t, func() bool {
		var blocked bool
		err := conn.QueryRow(t.Context(),
			"SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid)))", int32(holder)).Scan(&blocked)
		require.NoError(t, err)
		return blocked
	}, startTimeout, 10*time.Millisecond, "a server writes the issue that is held")
}

// TestSweepAfterKill: of two servers one is killed while the database works on its writes.
// The other, which was there before, goes on; each issue is resolved once and deleted once,
// and has one episode.
func TestSweepAfterKill(t *testing.T) {
	t.Parallel()
	const problems, held = 60, 30
	pg := pgtest.Config(t)
	// Time stands still for this one: it serves the API, and nothing is ever due.
	cfg := StartServer(t, WithPostgres(pg), WithClock(clocktesting.NewFakeClock(long.Add(30*time.Minute))))
	survivor := startProcess(t, pg)
	require.NoError(t, survivor.Process.Signal(syscall.SIGSTOP))
	var heldName string
	for i := range problems {
		name := report(t, cfg, expiredLong(i)).Issues[0].Name
		if i == held {
			heldName = name
		}
	}
	conn, holder := connect(t, pg), connect(t, pg)
	release := holdIssue(t, holder, heldName)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: revision(t, cfg)})
	require.NoError(t, err)
	defer events.Stop()

	victim := startProcess(t, pg)
	waitBlocked(t, conn, holder.PgConn().PID())
	require.NoError(t, victim.Process.Kill())
	require.ErrorContains(t, victim.Wait(), "killed")
	left := len(selected(t, cfg, "spec.type=build"))
	require.Positive(t, left, "it had not done all")
	require.Less(t, left, problems, "it had begun")
	release()
	require.NoError(t, survivor.Process.Signal(syscall.SIGCONT))

	requireOnce(t, events, problems)
	require.Empty(t, selected(t, cfg, "spec.type=build"))
	requireExpiredOnce(t, conn, problems)
}
