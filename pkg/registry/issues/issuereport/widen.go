// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/util/dryrun"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// pageSize is how many issues of one scope are read at once.
const pageSize = 500

// widen applies a recovery to the issues of all keys or types. Each is one decision;
// after an error a repeated report completes the rest.
func (r *REST) widen(ctx context.Context, e *entry, dryRun []string) error {
	if err := r.requireWidening(ctx, e); err != nil {
		return err
	}
	e.status.Result = issues.ResultUnchanged
	options := &metainternalversion.ListOptions{FieldSelector: widenedSelector(e.report), Limit: pageSize}
	for {
		obj, err := r.store.List(ctx, options)
		if err != nil {
			return err
		}
		page, ok := obj.(*issues.IssueList)
		if !ok {
			return apierrors.NewInternalError(fmt.Errorf("want an IssueList, got %T", obj))
		}
		for i := range page.Items {
			if err := r.widenTo(ctx, e, page.Items[i].Name, dryRun); err != nil {
				return err
			}
		}
		if page.Continue == "" {
			return nil
		}
		options.Continue = page.Continue
	}
}

// widenTo applies the recovery to one issue. A Resolved one remembers it, so that a
// failure that is older and arrives later does not reopen it.
func (r *REST) widenTo(ctx context.Context, e *entry, name string, dryRun []string) error {
	var decided []verdict
	stored, err := r.store.UpdateDecided(ctx, name, func(current *issues.Issue) (*issues.Issue, error) {
		if !rules.Matches(current, e.report) {
			return nil, errMoved
		}
		var next *issues.Issue
		next, decided = r.decide(ctx, current, []*entry{e})
		return next, nil
	}, dryRun)
	if apierrors.IsNotFound(err) || errors.Is(err, errMoved) {
		return nil
	}
	if err != nil {
		return err
	}
	if decided[0].err != nil {
		return decided[0].err
	}
	e.answer(worse(e.status.Result, decided[0].result), dryrun.IsDryRun(dryRun), stored)
	return nil
}

// worse is the result that says more: Resolved, then Stale, then Unchanged.
func worse(a, b issues.ReportResult) issues.ReportResult {
	for _, result := range []issues.ReportResult{issues.ResultResolved, issues.ResultStale} {
		if a == result || b == result {
			return result
		}
	}
	return issues.ResultUnchanged
}

// widenedSelector narrows the list to the report's scope, and to its type and key
// where it does not speak of all.
func widenedSelector(report *issues.IssueReport) fields.Selector {
	identity := rules.IdentityOfReport(report)
	set := fields.Set{
		v1alpha1.FieldScopeKind:      identity.ScopeKind,
		v1alpha1.FieldScopeNamespace: identity.ScopeNamespace,
		v1alpha1.FieldScopeName:      identity.ScopeName,
		v1alpha1.FieldStage:          string(identity.Stage),
	}
	if !report.Spec.AllTypes {
		set[v1alpha1.FieldType] = identity.Type
	}
	if !report.Spec.AllKeys {
		set[v1alpha1.FieldKey] = identity.Key
	}
	return set.AsSelector()
}
