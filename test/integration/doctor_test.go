// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apiserver/doctor"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// TestDoctorRights walks a serving role from no rights to the right ones.
func TestDoctorRights(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	owner, err := pgx.Connect(t.Context(), cfg.DSN)
	require.NoError(t, err)
	role := createRole(t, owner)
	t.Cleanup(func() { dropRole(t, owner, role) })
	schema := pgx.Identifier{cfg.Schema}.Sanitize()
	cfg.DSN = asRole(t, cfg.DSN, role)

	steps := []struct{ grant, want string }{
		{"", "FAIL  the role may not use schema " + cfg.Schema},
		{"GRANT USAGE ON SCHEMA " + schema, "FAIL  read the version of schema"},
		{"GRANT SELECT ON ALL TABLES IN SCHEMA " + schema, "FAIL  role " + role + " may not read and write claim_counts, events, "},
		{
			"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema,
			"ok    role " + role + " reads and writes, and owns no table",
		},
	}
	for _, step := range steps {
		if step.grant != "" {
			_, err := owner.Exec(t.Context(), step.grant+" TO "+role)
			require.NoError(t, err)
		}
		require.Contains(t, diagnosis(t, cfg), step.want, step.grant)
	}
	require.NotContains(t, diagnosis(t, cfg), "FAIL")
}

func TestDoctorNewerSchema(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	conn := connect(t, cfg)
	_, err := conn.Exec(t.Context(), "UPDATE schema_version SET version = 1000")
	require.NoError(t, err)
	require.Regexp(t, `ok    schema \w+ is at version 1000 of \d+, newer than this program, which may use it`, diagnosis(t, cfg))
	_, err = conn.Exec(t.Context(), "UPDATE compatibility SET oldest = 1000")
	require.NoError(t, err)
	require.Regexp(t, `FAIL  schema \w+ is at version 1000 of \d+  — run a newer kite-apiserver`, diagnosis(t, cfg))
}

func TestDoctorUnreachable(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(t)
	proxy, dsn := StartProxy(t, cfg.DSN)
	proxy.Cut()
	cfg.DSN = dsn
	found := diagnosis(t, cfg)
	require.Contains(t, found, "FAIL  connection:")
	require.Equal(t, 1, strings.Count(found, "\n"), "one line a finding: %s", found)
}

func diagnosis(t *testing.T, cfg postgres.Config) string {
	t.Helper()
	var lines strings.Builder
	for _, finding := range doctor.Examine(t.Context(), cfg) {
		fmt.Fprintln(&lines, finding)
	}
	return lines.String()
}

// createRole skips the test where roles cannot be made.
func createRole(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	role := "r_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	_, err := conn.Exec(t.Context(), "CREATE ROLE "+role+" LOGIN PASSWORD '"+role+"'")
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42501" {
		t.Skip("the role of the test's DSN may not create roles")
	}
	require.NoError(t, err)
	return role
}

func dropRole(t *testing.T, conn *pgx.Conn, role string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := conn.Exec(ctx, "GRANT "+role+" TO CURRENT_USER; DROP OWNED BY "+role+"; DROP ROLE "+role)
	require.NoError(t, err)
	require.NoError(t, conn.Close(ctx))
}

func asRole(t *testing.T, dsn, role string) string {
	t.Helper()
	parsed, err := url.Parse(dsn)
	require.NoError(t, err)
	if parsed.Scheme == "" {
		return dsn + " user=" + role + " password=" + role
	}
	parsed.User = url.UserPassword(role, role)
	return parsed.String()
}
