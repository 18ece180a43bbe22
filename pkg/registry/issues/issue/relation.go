// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// Relations refuses relations to issues that their writer may not get: a writer must not
// lead others to what is not the writer's to show, nor find out what exists. The answer
// is the same whether the other issue exists or not.
type Relations struct {
	Authorizer authorizer.UnconditionalAuthorizer
}

// Check refuses relations of something in a namespace, found at path, unless the
// request's user may get every other issue.
func (r Relations) Check(
	ctx context.Context, namespace string, related []issues.RelatedIssue, path *field.Path,
) error {
	return r.checkNew(ctx, namespace, related, nil, path)
}

// checkNew leaves out the issues to which there were relations before, so that others
// can go on writing what one who may has related.
func (r Relations) checkNew(
	ctx context.Context, namespace string, related, before []issues.RelatedIssue, path *field.Path,
) error {
	known := map[types.NamespacedName]bool{}
	for i := range before {
		known[target(namespace, &before[i])] = true
	}
	for i := range related {
		other := target(namespace, &related[i])
		if known[other] {
			continue
		}
		known[other] = true
		if err := r.mayGet(ctx, other, path.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r Relations) mayGet(ctx context.Context, other types.NamespacedName, path *field.Path) error {
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(errors.New("the request has no user"))
	}
	decision, _, err := r.Authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            user,
		Verb:            "get",
		Namespace:       other.Namespace,
		APIGroup:        issues.GroupName,
		APIVersion:      v1alpha1.SchemeGroupVersion.Version,
		Resource:        "issues",
		Name:            other.Name,
		ResourceRequest: true,
	})
	switch {
	case decision == authorizer.DecisionAllow:
		return nil
	case err != nil:
		return apierrors.NewInternalError(fmt.Errorf("ask whether the writer may get a related issue: %w", err))
	default:
		return apierrors.NewForbidden(issues.Resource("issues"), other.Name, fmt.Errorf(
			"%s: user %q needs the right to get this issue in namespace %q, to relate to it", path, user.GetName(), other.Namespace))
	}
}

// target is the issue that a relation of something in a namespace leads to.
func target(namespace string, related *issues.RelatedIssue) types.NamespacedName {
	if related.Namespace != "" {
		namespace = related.Namespace
	}
	return types.NamespacedName{Namespace: namespace, Name: related.Name}
}

var relatedPath = field.NewPath("spec", "relatedIssues")

func (r Relations) onCreate(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		issue := asIssue(obj)
		if err := r.Check(ctx, issue.Namespace, issue.Spec.RelatedIssues, relatedPath); err != nil || next == nil {
			return err
		}
		return next(ctx, obj)
	}
}

func (r Relations) onUpdate(next rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		issue, before := asIssue(obj), asIssue(old).Spec.RelatedIssues
		err := r.checkNew(ctx, issue.Namespace, issue.Spec.RelatedIssues, before, relatedPath)
		if err != nil || next == nil {
			return err
		}
		return next(ctx, obj, old)
	}
}
