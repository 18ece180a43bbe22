// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroupreport

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/registry/issues/issuereport"
)

const (
	// pageSize is how many members are read at once.
	pageSize = 500
	// inFlight is how many of them are decided at the same time. Their writes share
	// batches; more would crowd out other writers.
	inFlight = 16
)

// activeMembers selects what a report about a group may resolve.
func activeMembers(key string) fields.Selector {
	return fields.Set{
		v1alpha1.FieldGroupKey: key,
		v1alpha1.FieldState:    string(issues.StateActive),
	}.AsSelector()
}

// resolve applies the recovery to every Active member, page by page. Members that join
// meanwhile are not looked for. Errors name no member, which the sender need not be
// allowed to read.
func (r *REST) resolve(ctx context.Context, recovery issuereport.Recovery, dryRun []string) (tally, error) {
	var total tally
	everywhere := genericapirequest.WithNamespace(ctx, metav1.NamespaceAll)
	selector := activeMembers(recovery.GroupKey)
	options := &metainternalversion.ListOptions{FieldSelector: selector, Limit: pageSize}
	for {
		obj, err := r.issues.List(everywhere, options)
		if err != nil {
			return total, issue.WithoutNames(ctx, err)
		}
		page, ok := obj.(*issues.IssueList)
		if !ok {
			return total, apierrors.NewInternalError(fmt.Errorf("want an IssueList, got %T", obj))
		}
		if err := r.resolvePage(ctx, page.Items, recovery, dryRun, &total); err != nil {
			return total, err
		}
		if page.Continue == "" {
			return total, nil
		}
		options = &metainternalversion.ListOptions{FieldSelector: selector, Limit: pageSize, Continue: page.Continue}
	}
}

// resolvePage waits for all members of a page. A member that cannot be resolved, such as
// one that has no room for another transition, keeps no other from it; an error that
// others would get as well ends the page.
func (r *REST) resolvePage(
	ctx context.Context, members []issues.Issue, recovery issuereport.Recovery, dryRun []string, total *tally,
) error {
	results := make([]issues.ReportResult, len(members))
	work, working := errgroup.WithContext(ctx)
	work.SetLimit(inFlight)
	for i := range members {
		work.Go(func() error {
			result, err := r.members.Recover(working, &members[i], recovery, dryRun)
			if err != nil && (working.Err() != nil || issue.IsPassing(err)) {
				return err
			}
			if err != nil {
				klog.FromContext(ctx).Error(err, "A member of a group could not be resolved", "issue", klog.KObj(&members[i]))
				result = notResolved
			}
			results[i] = result
			return nil
		})
	}
	err := work.Wait()
	for _, result := range results {
		total.add(result)
	}
	return issue.WithoutNames(ctx, err)
}
