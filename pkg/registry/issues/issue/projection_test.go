// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

const (
	migrations = "../../../storage/postgres/migrations/"
	migration  = migrations + "002_create_issues.sql"
)

func TestProjectionAgreesWithMigration(t *testing.T) {
	t.Parallel()
	want := map[string]string{"key": "text"}
	for _, column := range Projection().Columns {
		want[column.Name] = typeName(column.Type)
		if column.Match == postgres.HasMember {
			want[column.Name] = "text[]"
		}
	}
	have := columnsOf(t, migration, Projection().Table)
	later, err := os.ReadFile(migrations + "008_add_columns_to_issues.sql")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`ADD COLUMN (\w+) (\w+)`).FindAllStringSubmatch(string(later), -1) {
		have[m[1]] = m[2]
	}
	require.Equal(t, want, have)
}

func TestJournalAgreesWithMigration(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, column := range journal(nil).Columns {
		want[column.Name] = typeName(column.Type)
	}
	require.Equal(t, want, columnsOf(t, migrations+"007_create_issue_episodes.sql", journal(nil).Table))
}

func typeName(kind postgres.Type) string { return cmp.Or(string(kind), "text") }

// columnsOf are the columns, with their types, that a migration creates a table with.
func columnsOf(t *testing.T, file, table string) map[string]string {
	t.Helper()
	sql, err := os.ReadFile(file)
	require.NoError(t, err)
	_, body, found := strings.Cut(string(sql), "CREATE TABLE "+table+" (")
	require.True(t, found)
	body, _, _ = strings.Cut(body, "\n)")
	have := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +([a-z_]+) +([a-z]+(?:\[\])?)`).FindAllStringSubmatch(body, -1) {
		have[m[1]] = m[2]
	}
	return have
}

func TestMigrationIndexes(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile(migration)
	require.NoError(t, err)
	indexes := regexp.MustCompile(`CREATE INDEX \w+ ON issues \((\w+)\)`).FindAllStringSubmatch(string(sql), -1)
	require.NotEmpty(t, indexes)
	require.LessOrEqual(t, len(indexes), 8, "every index costs inside the write lock")
	for _, index := range indexes {
		i := columnNamed(index[1])
		require.NotNil(t, i, "no column %s", index[1])
		require.Equal(t, postgres.Equals, i.Match)
		require.Less(t, i.MaxBytes, 2704, "longer text breaks a btree")
	}
}

func columnNamed(name string) *postgres.Column {
	for _, column := range Projection().Columns {
		if column.Name == name {
			return &column
		}
	}
	return nil
}

// TestProjectionHoldsTheWhole: a text or a list of runs that is cut would hide
// issues.
func TestProjectionHoldsTheWhole(t *testing.T) {
	t.Parallel()
	obj := newIssue(func(issue *issues.Issue) {
		// In lower case this letter has three bytes instead of two.
		issue.Spec.Title = strings.Repeat("Ⱥ", 256)
		issue.Spec.Description = strings.Repeat("Ⱥ", 16<<10)
		for range rules.MaxRuns {
			issue.Status.Runs = append(issue.Status.Runs, issues.IssueRun{Name: strings.Repeat("n", 253), UID: "u"})
		}
	})
	for _, column := range Projection().Columns {
		require.LessOrEqual(t, len(column.Value(obj)), column.MaxBytes, column.Field)
	}
	require.Contains(t, columnNamed("search_text").Value(obj), "ⱥ\nⱥ")
	require.Equal(t, rules.MaxRuns-1, strings.Count(columnNamed(columns[v1alpha1.FieldRunName]).Value(obj), "\x1f"))
}
