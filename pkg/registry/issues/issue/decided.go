// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// errUnchanged ends an update that has nothing to write.
var errUnchanged = errors.New("nothing changes")

// CreateDecided stores a new issue as the rules made it. It is validated, and not
// admitted: policies match the request that led to it. Errors are those of a
// create.
func (r *REST) CreateDecided(
	ctx context.Context, issue *issues.Issue, validate rest.ValidateObjectFunc, dryRun []string,
) (*issues.Issue, error) {
	if dryrun.IsDryRun(dryRun) {
		validate = r.claims.onCreate(validate)
	}
	ctx = forIssue(ctx, issue.Name)
	obj, err := r.decided.Create(ctx, issue.DeepCopy(), validate, &metav1.CreateOptions{DryRun: dryRun})
	if err != nil {
		return nil, err
	}
	return result(obj)
}

// UpdateDecided stores what decide makes of an issue, in one conditional write: it
// calls decide again when the issue changed in between. Decide must not modify its
// argument; when it returns that, nothing is written.
func (r *REST) UpdateDecided(
	ctx context.Context, name string, decide func(current *issues.Issue) (*issues.Issue, error), dryRun []string,
) (*issues.Issue, error) {
	var unchanged *issues.Issue
	info := rest.DefaultUpdatedObjectInfo(nil, func(_ context.Context, _, old runtime.Object) (runtime.Object, error) {
		current, err := result(old)
		if err != nil {
			return nil, err
		}
		next, err := decide(current)
		if err != nil {
			return nil, err
		}
		if next == current {
			unchanged = current
			return nil, errUnchanged
		}
		return next, nil
	})
	var validate rest.ValidateObjectUpdateFunc
	if dryrun.IsDryRun(dryRun) {
		validate = r.claims.onUpdate(nil)
	}
	ctx = forIssue(ctx, name)
	obj, _, err := r.decided.Update(ctx, name, info, nil, validate, false, &metav1.UpdateOptions{DryRun: dryRun})
	if errors.Is(err, errUnchanged) {
		return unchanged, nil
	}
	if err != nil {
		return nil, err
	}
	return result(obj)
}

// forIssue makes a request for another resource one for an issue: validation and
// errors depend on it.
func forIssue(ctx context.Context, name string) context.Context {
	info := &genericapirequest.RequestInfo{APIVersion: v1alpha1.SchemeGroupVersion.Version}
	if given, ok := genericapirequest.RequestInfoFrom(ctx); ok {
		copied := *given
		info = &copied
	}
	info.APIGroup, info.Resource, info.Subresource, info.Name = issues.GroupName, "issues", "", name
	return genericapirequest.WithRequestInfo(ctx, info)
}

func result(obj runtime.Object) (*issues.Issue, error) {
	issue, ok := obj.(*issues.Issue)
	if !ok {
		return nil, fmt.Errorf("want an Issue, got %T", obj)
	}
	return issue, nil
}
