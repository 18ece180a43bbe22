// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	_ "embed" // the statements
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
)

//go:embed sql/summary.sql
var summarySQL string

//go:embed sql/namespaces.sql
var namespacesSQL string

const retryAfterSeconds = 5

// Database reads the tables of issues. *postgres.Engine does.
type Database interface {
	Query(ctx context.Context, sql string, args, dest []any, row func() error) error
	Exec(ctx context.Context, sql string, args ...any) error
}

// namespace is one that a summary is for.
type namespace struct{ name, uid string }

// compareKeys orders namespaces as storage orders their issues.
func compareKeys(a, b namespace) int { return issue.CompareNamespaces(a.name, b.name) }

// count makes the summaries of namespaces, in their order, in one round trip.
func count(ctx context.Context, db Database, namespaces []namespace, w window) ([]issues.IssueSummary, error) {
	if len(namespaces) == 0 {
		return nil, nil
	}
	builders := make(map[string]*builder, len(namespaces))
	for _, n := range namespaces {
		builders[n.name] = newBuilder(n.name, w)
	}
	var name *string
	var row number
	complete := true
	err := db.Query(ctx, summarySQL, arguments(namespaces, w),
		[]any{&name, &row.what, &row.label, &row.opened, &row.resolved, &row.n, &row.total}, func() error {
			if name == nil {
				complete = row.what == "complete"
				return nil
			}
			builders[*name].add(&row)
			return nil
		})
	switch {
	case err != nil:
		return nil, err
	case !complete:
		return nil, incomplete()
	}
	out := make([]issues.IssueSummary, 0, len(namespaces))
	for _, n := range namespaces {
		out = append(out, builders[n.name].finish())
	}
	return out, nil
}

// arguments are those of summary.sql.
func arguments(namespaces []namespace, w window) []any {
	var names, uids []string
	for _, n := range namespaces {
		names, uids = append(names, n.name), append(uids, n.uid)
	}
	first := slices.MinFunc(namespaces, compareKeys)
	last := slices.MaxFunc(namespaces, compareKeys)
	return []any{names, uids, w.now, w.days, w.fine, w.weeks, issue.KeyPrefix + first.name + "/", issue.KeyPrefix + last.name + "0"}
}

// incomplete: the table of issues lacks rows. While they are added, that passes; issues
// that are stored encrypted have none.
func incomplete() error {
	err := apierrors.NewServiceUnavailable(
		"issues are being counted anew, or are stored encrypted: then there are no summaries")
	err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfterSeconds}
	return err
}
