// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// answer is the part of a status by which clients decide what to do.
type answer struct {
	code   int32
	reason metav1.StatusReason
	retry  int32
}

var (
	unavailable   = answer{http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, 1}
	timedOut      = answer{http.StatusGatewayTimeout, metav1.StatusReasonTimeout, 1}
	badRequest    = answer{http.StatusBadRequest, metav1.StatusReasonBadRequest, 0}
	tooLarge      = answer{http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge, 0}
	internalError = answer{http.StatusInternalServerError, metav1.StatusReasonInternalError, 0}
)

func answerOf(t testing.TB, err error) (answer, string) {
	t.Helper()
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	s := status.Status()
	got := answer{code: s.Code, reason: s.Reason}
	if s.Details != nil {
		got.retry = s.Details.RetryAfterSeconds
	}
	return got, fmt.Sprintf("%s %+v", s.Message, s.Details)
}

// requireDiscreet: nothing of the database's inside is told to a client.
func requireDiscreet(t testing.TB, text string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(pgtest.DSN(t))
	require.NoError(t, err)
	secrets := []string{
		"SQLSTATE", "SELECT", "INSERT", "UPDATE ", "DELETE FROM", "relation", "column", "events", `"objects`, "objects.", "search_path",
		"pgx", "role", "password", "user=", cfg.Host, fmt.Sprint(cfg.Port), "127.0.0.1", "secret",
	}
	for _, secret := range secrets {
		require.NotContains(t, text, secret)
	}
}

// provoked runs SQL in a session of its own until a statement fails.
func provoked(statements ...string) func(t *testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		conn := connect(t, newCluster(t).cfg)
		for _, sql := range statements {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}
}

func connecting(change func(*pgx.ConnConfig)) func(t *testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		cfg, err := pgx.ParseConfig(pgtest.DSN(t))
		require.NoError(t, err)
		change(cfg)
		_, err = pgx.ConnectConfig(t.Context(), cfg)
		return err
	}
}

// fake is for states that a test cannot bring about without harm to others.
func fake(code string) func(*testing.T) error {
	return func(*testing.T) error {
		return fmt.Errorf("write objects: %w", &pgconn.PgError{
			Severity: "ERROR", Code: code, Message: `relation "events" of role "secret"`,
			TableName: "objects", ColumnName: "secret", InternalQuery: "SELECT secret",
		})
	}
}

// waitingForALock: another session holds what this one wants.
func waitingForALock(t *testing.T) error {
	t.Helper()
	c := newCluster(t)
	engine, _ := c.open(t)
	defer c.writeLock(t, engine)()
	conn := connect(t, c.cfg)
	_, err := conn.Exec(t.Context(), "SET lock_timeout = '1ms'")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", engine.WriteLock())
	return err
}

// The table of docs/operator/failure.md.
func TestErrorTable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		err    func(*testing.T) error
		state  string
		want   answer
	}{
		"unreachable":        {"nobody listens", connecting(func(c *pgx.ConnConfig) { c.Port = 1 }), "", unavailable},
		"unknown host":       {"the name does not resolve", connecting(func(c *pgx.ConnConfig) { c.Host = "secret.invalid" }), "", unavailable},
		"unknown login":      {"a role is dropped or a password rotated", connecting(func(c *pgx.ConnConfig) { c.User = "secret" }), "28", unavailable},
		"unknown database":   {"it is made again after a restore", connecting(func(c *pgx.ConnConfig) { c.Database = "secret" }), "3D000", unavailable},
		"terminated":         {"a restart or a failover ends sessions", provoked("SELECT pg_terminate_backend(pg_backend_pid())"), "57P01", unavailable},
		"lock not available": {"another writer holds the lock too long", waitingForALock, "55P03", unavailable},
		"read only": {
			"the old primary of a failover", provoked("SET default_transaction_read_only = on", "DELETE FROM events"), "25006", unavailable,
		},
		"standby":            {"functions about the primary's log fail there", provoked("SELECT lastval()"), "55000", unavailable},
		"idle transaction":   {"a paused process comes back", idleInTransaction, "25P03", unavailable},
		"statement timeout":  {"a statement took too long", provoked("SET statement_timeout = '1ms'", "SELECT pg_sleep(60)"), "57014", timedOut},
		"unknown outcome":    {"only the client can tell whether to write again", func(*testing.T) error { return postgres.ErrUnsettled }, "", timedOut},
		"too many sessions":  {"the server has no connection left", fake("53300"), "53300", unavailable},
		"disk full":          {"a person makes room", fake("53100"), "53100", unavailable},
		"crash":              {"the server starts again", fake("57P02"), "57P02", unavailable},
		"starting":           {"the server starts", fake("57P03"), "57P03", unavailable},
		"deadlock":           {"the other one went on", fake("40P01"), "40P01", unavailable},
		"I/O error":          {"the disk fails", fake("58030"), "58030", unavailable},
		"protocol violation": {"a pooler cannot reach the server", fake("08P01"), "08P01", unavailable},
		"changed table":      {"a statement is prepared anew", fake("0A000"), "0A000", unavailable},
		"U+0000":             {"text cannot hold it", nul, "22021", badRequest},
		"untranslatable":     {"the database is not in UTF-8", fake("22P05"), "22P05", badRequest},
		"index row":          {"a key is too long for its index", longKey, "54000", tooLarge},
		"missing table":      {"no repetition mends it", provoked("SELECT 1 FROM nothing"), "42P01", internalError},
		"missing schema":     {"no repetition mends it", provoked("CREATE TABLE nowhere.t ()"), "3F000", internalError},
		"missing right":      {"no repetition mends it", provoked("SELECT rolpassword FROM pg_authid"), "42501", internalError},
		"broken index":       {"no repetition mends it", fake("XX002"), "XX002", internalError},
		"a constraint":       {"claims and keys are data; this is a bug", fake("23505"), "23505", internalError},
		"no revision":        {"the events table is empty", noRevision, "", internalError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.err(t)
			require.Error(t, err)
			var pgErr *pgconn.PgError
			require.Equal(t, tc.state != "", errors.As(err, &pgErr), "%v", err)
			if pgErr != nil {
				require.True(t, strings.HasPrefix(pgErr.Code, tc.state), "%v", err)
			}
			got, text := answerOf(t, postgres.APIError(t.Context(), err))
			require.Equal(t, tc.want, got, tc.reason)
			requireDiscreet(t, text)
		})
	}
}

func nul(t *testing.T) error {
	t.Helper()
	_, err := newCluster(t).conn.Exec(t.Context(), "SELECT $1::text", "a\x00b")
	return err
}

func longKey(t *testing.T) error {
	t.Helper()
	c := newCluster(t)
	_, err := c.conn.Exec(t.Context(), "INSERT INTO objects (key, mod_rv, create_rv, value) "+
		"SELECT string_agg(md5(i::text), ''), 1, 1, '' FROM generate_series(1, 300) i")
	return err
}

func idleInTransaction(t *testing.T) error {
	t.Helper()
	conn := connect(t, newCluster(t).cfg)
	_, err := conn.Exec(t.Context(), "SET idle_in_transaction_session_timeout = '1ms'; BEGIN")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err = conn.Exec(t.Context(), "SELECT 1")
		return err != nil
	}, patience, 20*time.Millisecond)
	return err
}

func noRevision(t *testing.T) error {
	t.Helper()
	c := newCluster(t)
	c.exec(t, "DELETE FROM events")
	var rev int64
	return c.conn.QueryRow(t.Context(), "SELECT max(rv) FROM events").Scan(&rev)
}

func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, text := answerOf(t, postgres.APIError(ctx, context.Canceled))
	require.Equal(t, timedOut, got)
	requireDiscreet(t, text)
}

// What stands between a client and a broken installation, through whole operations.
func TestBrokenInstallation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		sql    string
	}{
		"dropped table": {"somebody dropped it", "DROP TABLE objects"},
		"no right":      {"the grants are gone", "REVOKE ALL ON objects FROM CURRENT_USER"},
		"empty history": {"somebody emptied it", "DELETE FROM events"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			_, store := c.open(t)
			create(t, store, newPod("a"))
			c.exec(t, tc.sql)
			for what, err := range map[string]error{
				"get":    store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}),
				"list":   store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: everything()}, &example.PodList{}),
				"create": store.Create(t.Context(), key("b"), newPod("b"), nil, 0),
			} {
				got, text := answerOf(t, err)
				require.Equal(t, internalError, got, "%s: %s: %v", tc.reason, what, err)
				requireDiscreet(t, text)
			}
		})
	}
}

// The old primary of a failover still answers reads; writes wait for the new one.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, writer := c.open(t)
	create(t, writer, newPod("a"))
	c.cfg.DSN = withSetting(c.cfg.DSN, "default_transaction_read_only", "on")
	_, store := c.open(t)
	require.NoError(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}))
	got, text := answerOf(t, store.Create(t.Context(), key("b"), newPod("b"), nil, 0))
	require.Equal(t, unavailable, got)
	requireDiscreet(t, text)
}

// withSetting adds a session's setting to a connection string of either form.
func withSetting(dsn, name, value string) string {
	base, query, isURL := strings.Cut(dsn, "?")
	switch {
	case isURL:
		return fmt.Sprintf("%s?%s=%s&%s", base, name, value, query)
	case strings.Contains(dsn, "://"):
		return fmt.Sprintf("%s?%s=%s", dsn, name, value)
	default:
		return fmt.Sprintf("%s %s=%s", dsn, name, value)
	}
}

// A failure that every request meets is logged once, with what the operator needs.
func TestFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true), ktesting.Verbosity(0)))
	ctx := klog.NewContext(t.Context(), logger)
	for range 3 {
		require.Error(t, postgres.APIError(ctx, &pgconn.PgError{Code: "42ZZZ", Message: `relation "events" does not exist`}))
	}
	sink, ok := logger.GetSink().(ktesting.Underlier)
	require.True(t, ok)
	log := sink.GetBuffer().Data()
	require.Len(t, log, 1, "%v", log)
	require.Equal(t, ktesting.LogError, log[0].Type)
	require.ErrorContains(t, log[0].Err, `relation "events" does not exist`)
}
