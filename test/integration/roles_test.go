// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// roles are one schema as its owner and as the server see it.
type roles struct{ owner, server postgres.Config }

// newRoles makes two roles and a migrated schema, with the rights that the documentation
// names and no others.
func newRoles(t *testing.T) roles {
	t.Helper()
	cfg := postgres.Config{DSN: pgtest.DSN(t), Schema: pgtest.EmptyConfig(t).Schema, MaxConnections: 8}
	r := roles{owner: cfg, server: cfg}
	names := map[*postgres.Config]string{}
	for _, c := range []*postgres.Config{&r.server, &r.owner} {
		admin, err := pgx.Connect(t.Context(), cfg.DSN)
		require.NoError(t, err)
		role := createRole(t, admin)
		t.Cleanup(func() { dropRole(t, admin, role) })
		names[c], c.DSN = role, asRole(t, cfg.DSN, role)
	}
	admin := connect(t, cfg)
	_, err := admin.Exec(t.Context(), "GRANT CREATE ON DATABASE "+pgx.Identifier{admin.Config().Database}.Sanitize()+" TO "+names[&r.owner])
	require.NoError(t, err)
	_, _, err = postgres.Migrate(t.Context(), r.owner)
	require.NoError(t, err)
	_, err = connect(t, r.owner).Exec(t.Context(), documentedGrants(t, cfg.Schema, names[&r.server]))
	require.NoError(t, err)
	return r
}

// documentedGrants are those that the operator's guide lists, for other names.
func documentedGrants(t *testing.T, schema, role string) string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/operator/postgresql.md")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^(GRANT|REVOKE) .*;$`).FindAllString(string(guide), -1)
	require.Len(t, lines, 3)
	return strings.NewReplacer(
		"SCHEMA kite", "SCHEMA "+schema, " kite.", " "+schema+".", "TO kite;", "TO "+role+";", "FROM kite;", "FROM "+role+";",
	).Replace(strings.Join(lines, "\n"))
}

// TestServerThatOwnsNothing does everything that a server does.
func TestServerThatOwnsNothing(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	ctx := t.Context()
	cfg := startEncrypting(t, r.server, writeFile(t, encryptionConfig(providerIdentity, providerAES)), false)
	issues := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	events, err := issues.Watch(ctx, metav1.ListOptions{ResourceVersion: revision(t, cfg)})
	require.NoError(t, err)
	defer events.Stop()

	for _, name := range []string{"a", "b"} {
		_, err = issues.Create(ctx, newIssue(name), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err = issues.Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"severity":"critical"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	report(t, cfg, failed(1))
	list, err := issues.List(ctx, metav1.ListOptions{FieldSelector: "spec.severity=critical"})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.NoError(t, issues.Delete(ctx, "a", metav1.DeleteOptions{}))

	_, err = connect(t, r.owner).Exec(ctx, "UPDATE objects SET expires_at = now() WHERE key LIKE '%/b'")
	require.NoError(t, err)
	require.Equal(t, []string{"ADDED a", "ADDED b", "MODIFIED a", "ADDED", "DELETED a", "DELETED b"}, sixEvents(t, events))

	encrypting := startEncrypting(t, r.server, writeFile(t, encryptionConfig(providerAES, providerIdentity)), false)
	_, err = Client(t, encrypting).IssuesV1alpha1().Issues(namespace).Create(ctx, newIssue("encrypted"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, isEncrypted(t, connect(t, r.owner), "encrypted"))
	trimHistory(t, r.server)

	_, err = connect(t, r.owner).Exec(ctx, "UPDATE meta SET timeline = 'other'")
	require.NoError(t, err)
	store, err := postgres.NewStore(pgtest.Open(t, r.server), postgres.StoreConfig{Prefix: "/issues.kite.dev/issues"})
	require.NoError(t, err)
	rev, err := store.GetCurrentResourceVersion(ctx)
	require.NoError(t, err)
	require.Greater(t, rev, uint64(time.Now().Add(-time.Hour).UnixMicro()), "the guard noticed a promotion")
	stats, err := store.Stats(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, stats.ObjectCount)
	from, to, err := postgres.BumpRevision(ctx, r.server)
	require.NoError(t, err)
	require.Greater(t, to, from)

	findings := diagnosis(t, r.server)
	require.Contains(t, findings, "reads and writes, and owns no table")
	require.NotContains(t, findings, "FAIL")
}

// sixEvents names the next six events; a report's issue has a name made from its identity.
func sixEvents(t *testing.T, events watch.Interface) []string {
	t.Helper()
	var seen []string
	for range 6 {
		event := nextEvent(t, events)
		name := event.Object.(*v1alpha1.Issue).Name
		if len(name) > 1 {
			name = ""
		}
		seen = append(seen, strings.TrimSpace(string(event.Type)+" "+name))
	}
	return seen
}

// TestServerMayNotChangeTheSchema: what a stolen password of the server cannot do.
func TestServerMayNotChangeTheSchema(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	server := connect(t, r.server)
	var owned int
	err := server.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)").Scan(&owned)
	require.NoError(t, err)
	require.Zero(t, owned)
	for _, sql := range []string{
		"CREATE TABLE more (id int)",
		"CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"CREATE INDEX more ON objects (mod_rv)",
		"CREATE TRIGGER more BEFORE INSERT ON objects EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"ALTER TABLE objects ADD COLUMN more int",
		"ALTER TABLE events RENAME TO more",
		"DROP TABLE issues",
		"DROP SCHEMA " + r.server.Schema + " CASCADE",
		"TRUNCATE events",
		"UPDATE schema_version SET version = 1",
		"DELETE FROM schema_version",
		"UPDATE compatibility SET oldest = 1",
	} {
		_, err := server.Exec(t.Context(), sql)
		var pgErr *pgconn.PgError
		require.ErrorAs(t, err, &pgErr, sql)
		require.Equal(t, "42501", pgErr.Code, "%s: %s", sql, pgErr.Message)
	}
}

// TestMigrateGrantsWhatIsDocumented to the role that the server has by default.
func TestMigrateGrantsWhatIsDocumented(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	owner, server := connect(t, r.owner), connect(t, r.server)
	var exists bool
	require.NoError(t, owner.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kite')").Scan(&exists))
	if !exists {
		t.Skip("the database server has no role named kite")
	}
	grants := func(role string) []string {
		rows, err := owner.Query(t.Context(), `SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants
			WHERE table_schema = $1 AND grantee = $2 ORDER BY 1`, r.owner.Schema, role)
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return all
	}
	require.NotEmpty(t, grants("kite"))
	require.Equal(t, grants(server.Config().User), grants("kite"))
}
