// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

const (
	fieldName      = "metadata.name"
	fieldNamespace = "metadata.namespace"

	maxName      = 253
	maxNamespace = 63
)

// columns are the names that fields have in the table issues. The one of spec.key
// must not be the primary key's.
var columns = map[string]string{
	v1alpha1.FieldType:           "type",
	v1alpha1.FieldSeverity:       "severity",
	v1alpha1.FieldStage:          "stage",
	v1alpha1.FieldKey:            "problem_key",
	v1alpha1.FieldApplication:    "application",
	v1alpha1.FieldComponent:      "component",
	v1alpha1.FieldGroupKey:       "group_key",
	v1alpha1.FieldOrigin:         "origin",
	v1alpha1.FieldScopeKind:      "scope_kind",
	v1alpha1.FieldScopeName:      "scope_name",
	v1alpha1.FieldScopeNamespace: "scope_namespace",
	v1alpha1.FieldState:          "state",
	v1alpha1.FieldRunName:        "run_names",
	v1alpha1.FieldRunUID:         "run_uids",
	v1alpha1.FieldSearch:         "search_text",
}

// Projection repeats every selectable field in the table issues, so that lists
// select in SQL, and what groups and the passage of time ask for.
func Projection() *postgres.Projection {
	projection := &postgres.Projection{Table: "issues", Prefix: KeyPrefix, Columns: []postgres.Column{
		column(fieldName, "name", maxName, func(i *issues.Issue) string { return i.Name }),
		column(fieldNamespace, "namespace", maxNamespace, func(i *issues.Issue) string { return i.Namespace }),
	}}
	for _, field := range rules.Fields() {
		if field.Path != "" {
			projection.Columns = append(projection.Columns, fieldColumn(field))
		}
	}
	projection.Columns = append(projection.Columns,
		unselected("cause", postgres.Text, func(i *issues.Issue) string { return i.Spec.Cause }),
		unselected("opened_at", postgres.Instant, func(i *issues.Issue) string { return instant(rules.EpisodeOf(i).OpenedAt) }),
		unselected("reopened", postgres.Int, func(i *issues.Issue) string { return strconv.Itoa(int(i.Status.Reopened)) }),
		unselected("deadline", postgres.Instant, func(i *issues.Issue) string { return instant(rules.Deadline(i)) }),
	)
	projection.Journal = journal(nil)
	return projection
}

// unselected is a column of the first addition, by which no field selector asks.
func unselected(name string, kind postgres.Type, value func(*issues.Issue) string) postgres.Column {
	out := column("", name, maxName, value)
	out.Type, out.Since = kind, 1
	return out
}

func fieldColumn(field rules.Field) postgres.Column {
	switch field.Match {
	case rules.MatchAny:
		// Each member has its separator, and none may be cut off.
		out := column(field.Path, columns[field.Path], rules.MaxRuns*(field.MaxBytes+1), func(i *issues.Issue) string {
			return postgres.JoinMembers(field.Values(i))
		})
		out.Match = postgres.HasMember
		return out
	case rules.MatchText:
		out := column(field.Path, columns[field.Path], field.MaxBytes, field.Value)
		out.Match = postgres.Contains
		return out
	default:
		return column(field.Path, columns[field.Path], field.MaxBytes, field.Value)
	}
}

// column leaves room for one byte more than the longest value: storage prefilters
// only by values that are shorter than the column.
func column(field, name string, maxBytes int, value func(*issues.Issue) string) postgres.Column {
	return postgres.Column{
		Field: field, Name: name, Match: postgres.Equals, MaxBytes: maxBytes + 1,
		Value: func(obj runtime.Object) string {
			issue, ok := obj.(*issues.Issue)
			if !ok {
				return ""
			}
			return value(issue)
		},
	}
}
