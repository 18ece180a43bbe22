// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/util/workqueue"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// maxNamespaces is how many namespaces one answer asks rights for.
	maxNamespaces = 500
	// maxReviews is how many questions about rights are in flight, for all users.
	maxReviews = 50
)

// Candidates name the namespaces in which a user may have rights.
type Candidates interface {
	Candidates(u user.Info) ([]string, error)
}

// rights tell in which namespaces a user may list issues.
type rights struct {
	authorizer authorizer.Authorizer
	candidates Candidates
	reviews    chan struct{}
}

func newRights(a authorizer.Authorizer, candidates Candidates) *rights {
	return &rights{authorizer: a, candidates: candidates, reviews: make(chan struct{}, maxReviews)}
}

// everywhere tells whether the user may list the issues of all namespaces.
func (r *rights) everywhere(ctx context.Context, u user.Info) (bool, error) {
	return r.mayList(ctx, u, "")
}

// in tells whether the user may list the issues of a namespace.
func (r *rights) in(ctx context.Context, u user.Info, namespace string) (bool, error) {
	if len(validation.ValidateNamespaceName(namespace, false)) > 0 {
		return false, nil // to the authorizer "" would be all namespaces
	}
	return r.mayList(ctx, u, namespace)
}

// of returns the namespaces in which the user may list issues, in no order. It answers
// errTooManyNamespaces rather than a part of them.
func (r *rights) of(ctx context.Context, u user.Info) ([]string, error) {
	if r.candidates == nil {
		return nil, nil
	}
	candidates, err := r.candidates.Candidates(u)
	if err != nil {
		return nil, err
	}
	if len(candidates) > maxNamespaces {
		return nil, errTooManyNamespaces
	}
	return r.allowed(ctx, u, candidates)
}

func (r *rights) allowed(ctx context.Context, u user.Info, candidates []string) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	allowed := make([]bool, len(candidates))
	workqueue.ParallelizeUntil(ctx, maxReviews, len(candidates), func(i int) {
		ok, err := r.in(ctx, u, candidates[i])
		if err != nil {
			cancel(err)
		}
		allowed[i] = ok
	})
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var out []string
	for i, namespace := range candidates {
		if allowed[i] {
			out = append(out, namespace)
		}
	}
	return out, nil
}

func (r *rights) mayList(ctx context.Context, u user.Info, namespace string) (bool, error) {
	select {
	case r.reviews <- struct{}{}:
		defer func() { <-r.reviews }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	decision, _, err := r.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User: u, Verb: "list", ResourceRequest: true, Namespace: namespace,
		APIGroup: v1alpha1.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version, Resource: "issues",
	})
	if decision == authorizer.DecisionAllow {
		return true, nil
	}
	if err != nil {
		return false, errors.Join(errUnknownRights, err)
	}
	return false, nil
}

var (
	errTooManyNamespaces = fmt.Errorf("you may have rights in more than %d namespaces", maxNamespaces)
	errUnknownRights     = errors.New("the host cluster did not say what this user may list")
)
