// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// reportedName is the issue that the report of testdata/schema/1.sql made.
const reportedName = "build-component-checkout-fbe45d40"

// atVersion makes a schema of an older version, with the data that it would hold.
func atVersion(t *testing.T, version int32) (postgres.Config, *pgx.Conn) {
	t.Helper()
	pg := pgtest.EmptyConfig(t)
	conn := connect(t, pg)
	_, err := conn.Exec(t.Context(), "CREATE SCHEMA "+pg.Schema)
	require.NoError(t, err)
	migrator, err := migrate.NewMigrator(t.Context(), conn, "schema_version")
	require.NoError(t, err)
	require.NoError(t, migrator.LoadMigrations(os.DirFS("../../pkg/storage/postgres/migrations")))
	require.NoError(t, migrator.MigrateTo(t.Context(), version))
	for v := range version {
		data, err := os.ReadFile(fmt.Sprintf("testdata/schema/%d.sql", v+1))
		if os.IsNotExist(err) {
			continue // what this version brought holds no data
		}
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), string(data))
		require.NoError(t, err)
	}
	return pg, conn
}

// TestUpgrade migrates every older schema with data in it, and looks at the data through
// a server.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for version := int32(1); version < postgres.SchemaVersion(); version++ {
		t.Run(fmt.Sprint("From", version), func(t *testing.T) {
			t.Parallel()
			pg, conn := atVersion(t, version)
			stored := storedIssues(t, conn)
			require.Len(t, stored, 3)
			from, to, err := postgres.Migrate(t.Context(), pg)
			require.NoError(t, err)
			require.Equal(t, version, from)
			require.Equal(t, postgres.SchemaVersion(), to)
			cfg := StartServer(t, WithPostgres(pg))

			requireSelected(t, cfg, conn, version)
			requireHistory(t, cfg)
			requireClaimed(t, cfg)
			client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
			for name, want := range stored {
				got, err := client.Get(t.Context(), name, metav1.GetOptions{})
				require.NoError(t, err)
				require.Equal(t, want, *got)
			}
			patched, err := client.Patch(t.Context(), "backend", types.MergePatchType, []byte(`{"spec":{"severity":"minor"}}`), metav1.PatchOptions{})
			require.NoError(t, err)
			require.Equal(t, "9", patched.ResourceVersion, "revisions go on")
			require.Equal(t, []string{"backend"}, selected(t, cfg, "spec.severity=minor"))
		})
	}
}

// storedIssues reads what the tables hold, without the storage.
func storedIssues(t *testing.T, conn *pgx.Conn) map[string]v1alpha1.Issue {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT value, mod_rv::text FROM objects")
	require.NoError(t, err)
	issues := map[string]v1alpha1.Issue{}
	var value []byte
	var rev string
	_, err = pgx.ForEachRow(rows, []any{&value, &rev}, func() error {
		issue := v1alpha1.Issue{}
		err := json.Unmarshal(value, &issue)
		issue.TypeMeta, issue.ResourceVersion = metav1.TypeMeta{}, rev
		issues[issue.Name] = issue
		return err
	})
	require.NoError(t, err)
	return issues
}

// requireSelected: issues that are older than their table are found by their fields, too.
func requireSelected(t *testing.T, cfg *rest.Config, conn *pgx.Conn, version int32) {
	t.Helper()
	require.Equal(t, []string{"backend", reportedName}, selected(t, cfg, "spec.severity=critical"))
	require.Equal(t, []string{"frontend"}, selected(t, cfg, "search=LINK,status.state=Active"))
	require.Equal(t, []string{reportedName}, selected(t, cfg, "run.uid=uid-7"))
	var marked bool
	err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM incomplete_projections WHERE name = 'issues')").Scan(&marked)
	require.NoError(t, err)
	require.Equal(t, version == 1, marked, "the mark costs every selector a scan")
}

func selected(t *testing.T, cfg *rest.Config, selector string) []string {
	t.Helper()
	list, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: selector})
	require.NoError(t, err)
	return names(list)
}

func names(list *v1alpha1.IssueList) []string {
	var out []string
	for i := range list.Items {
		out = append(out, list.Items[i].Name)
	}
	return out
}

// requireHistory: watches resume, and lists show, what was before the upgrade.
func requireHistory(t *testing.T, cfg *rest.Config) {
	t.Helper()
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: "3"})
	require.NoError(t, err)
	defer events.Stop()
	for _, want := range []string{
		"MODIFIED frontend 4", "ADDED gone 5", "DELETED gone 6", "MODIFIED backend 7", "ADDED " + reportedName + " 8",
	} {
		event := nextEvent(t, events)
		issue, ok := event.Object.(*v1alpha1.Issue)
		require.True(t, ok, "%v", event.Object)
		require.Equal(t, want, fmt.Sprintf("%s %s %s", event.Type, issue.Name, issue.ResourceVersion))
	}
	list, err := client.List(t.Context(), metav1.ListOptions{
		ResourceVersion: "5", ResourceVersionMatch: metav1.ResourceVersionMatchExact, FieldSelector: "status.state=Active",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"backend", "frontend", "gone"}, names(list))
}

// requireClaimed: an identity that was claimed before the upgrade still is.
func requireClaimed(t *testing.T, cfg *rest.Config) {
	t.Helper()
	second := newIssue("second")
	second.Spec.Scope.Name = "frontend"
	_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Create(t.Context(), second, metav1.CreateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.ErrorContains(t, err, "frontend")
}

// TestObjectOfNewerServer: a server leaves out the fields that it does not know when it
// reads, and drops them when it writes.
func TestObjectOfNewerServer(t *testing.T) {
	t.Parallel()
	pg, conn := atVersion(t, postgres.SchemaVersion())
	_, err := conn.Exec(t.Context(), `UPDATE objects SET value =
		convert_to(replace(convert_from(value, 'UTF8'), '"spec":{', '"later":[{}],"spec":{"later":{"a":1},'), 'UTF8')`)
	require.NoError(t, err)
	holding := func(name string) (n int) {
		err := conn.QueryRow(t.Context(),
			`SELECT count(*) FROM objects WHERE key LIKE '%/' || $1 AND convert_from(value, 'UTF8') LIKE '%later%'`, name).Scan(&n)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, holding("frontend"))
	cfg := StartServer(t, WithPostgres(pg))
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	_, body := Get(t.Context(), t, cfg, "/apis/issues.kite.dev/v1alpha1/namespaces/"+namespace+"/issues")
	require.Contains(t, string(body), `"Build of frontend fails at link"`)
	require.NotContains(t, string(body), "later")

	patched, err := client.Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"minor"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.SeverityMinor, patched.Spec.Severity)
	require.Zero(t, holding("frontend"))
	require.Equal(t, 1, holding("backend"), "what nobody writes stays")
}

// TestFailedMigrationChangesNothing: here the last statement of a migration fails.
func TestFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	pg, conn := atVersion(t, 1)
	_, err := conn.Exec(t.Context(), "CREATE INDEX issues_origin ON objects (create_rv)")
	require.NoError(t, err)
	from, to, err := postgres.Migrate(t.Context(), pg)
	require.ErrorContains(t, err, "002_create_issues.sql")
	require.EqualValues(t, 1, from)
	require.EqualValues(t, 1, to)
	var issues *string
	var version int32
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT to_regclass('issues')::text, version FROM schema_version").Scan(&issues, &version))
	require.Nil(t, issues, "the table that came before the failure")
	require.EqualValues(t, 1, version)

	_, err = conn.Exec(t.Context(), "DROP INDEX issues_origin")
	require.NoError(t, err)
	_, to, err = postgres.Migrate(t.Context(), pg)
	require.NoError(t, err)
	require.Equal(t, postgres.SchemaVersion(), to)
}
