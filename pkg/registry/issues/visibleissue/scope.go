// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/user"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// retryAfterSeconds is when to ask again after the host cluster did not answer.
const retryAfterSeconds = 1

// scope is where a request may look.
type scope struct {
	everywhere bool
	// namespaces are in the order of their keys in storage.
	namespaces []string
}

func (s scope) equal(other scope) bool {
	return s.everywhere == other.everywhere && slices.Equal(s.namespaces, other.namespaces)
}

func (s scope) contains(namespace string) bool {
	if s.everywhere {
		return true
	}
	_, found := slices.BinarySearchFunc(s.namespaces, namespace, issue.CompareNamespaces)
	return found
}

// without returns the namespaces that the other scope does not have.
func (s scope) without(other scope) scope {
	return scope{namespaces: slices.DeleteFunc(slices.Clone(s.namespaces), other.contains)}
}

// only is the one namespace of the scope, all when it has several.
func (s scope) only() string {
	switch {
	case s.everywhere || len(s.namespaces) > 1:
		return metav1.NamespaceAll
	case len(s.namespaces) == 0:
		return nowhere
	default:
		return s.namespaces[0]
	}
}

// caller is who asks, and where he may look.
func (r *REST) caller(ctx context.Context, q *query) (user.Info, scope, error) {
	u, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return nil, scope{}, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	s, err := r.ask(ctx, u, q)
	return u, s, rightsError(ctx, err)
}

// ask finds a user's rights, in the one namespace that the query names or in all.
func (r *REST) ask(ctx context.Context, u user.Info, q *query) (scope, error) {
	if namespace, ok := q.namespace(); ok {
		allowed, err := r.rights.in(ctx, u, namespace)
		if !allowed || err != nil {
			return scope{}, err
		}
		return scope{namespaces: []string{namespace}}, nil
	}
	everywhere, err := r.rights.everywhere(ctx, u)
	if everywhere || err != nil {
		return scope{everywhere: everywhere}, err
	}
	namespaces, err := r.rights.of(ctx, u)
	slices.SortFunc(namespaces, issue.CompareNamespaces)
	return scope{namespaces: namespaces}, err
}

// rightsError does not tell more than that an answer is not possible: the host
// cluster's words may name what the caller must not know.
func rightsError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooManyNamespaces):
		return apierrors.NewInvalid(issues.Kind("VisibleIssue"), "", field.ErrorList{field.Forbidden(
			field.NewPath("fieldSelector"), err.Error()+": name one, as metadata.namespace=NAME")})
	case ctx.Err() != nil:
		return apierrors.NewTimeoutError("the request ended while the caller's rights were asked for", retryAfterSeconds)
	default:
		klog.FromContext(ctx).Error(err, "Could not find out where the caller may list issues")
		out := apierrors.NewServiceUnavailable("the host cluster did not say where the caller may list issues")
		out.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfterSeconds}
		return out
	}
}
