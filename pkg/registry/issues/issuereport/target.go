// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// errMoved says that an issue is no longer the one that a report concerns.
var errMoved = errors.New("the issue is no longer the report's")

// errBeingDeleted keeps a report from being counted on an issue that a finalizer still
// holds: it would go with the issue. Repeated when the issue is gone, it opens a new one.
var errBeingDeleted = newBeingDeleted()

func newBeingDeleted() error {
	err := apierrors.NewServiceUnavailable("the issue of this problem is being deleted; send the report again when it is gone")
	err.ErrStatus.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	return err
}

// target is where a report goes.
type target struct {
	name string
	// exists tells an issue to update from a name that is free.
	exists bool
	// derived says that the name comes from the identity, so that the issue there
	// is the report's even when it is Resolved.
	derived bool
}

// locate finds the issue that reports of an identity concern: the Active one, else
// the one at a derived name. All derived names are looked at, since an issue may
// have got a longer one when the shorter was taken.
func (r *REST) locate(ctx context.Context, identity rules.Identity) (target, error) {
	holder, err := issue.ActiveHolder(ctx, r.claims, identity)
	if err != nil {
		return target{}, err
	}
	if holder != "" {
		return target{name: holder, exists: true}, nil
	}
	free := ""
	names := identity.Names()
	for _, name := range names {
		obj, err := r.store.Get(ctx, name, &metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			if free == "" {
				free = name
			}
			continue
		}
		if err != nil {
			return target{}, err
		}
		if found, ok := obj.(*issues.Issue); ok && hasIdentity(found, identity) {
			return target{name: name, exists: true, derived: true}, nil
		}
	}
	if free == "" {
		return target{}, apierrors.NewConflict(issues.Resource("issues"), names[len(names)-1], fmt.Errorf(
			"the names %q are all taken by issues of other identities", names))
	}
	return target{name: free, derived: true}, nil
}

// accepts says whether the issue at the target's name still is the report's.
func (t target) accepts(current *issues.Issue, identity rules.Identity) bool {
	return hasIdentity(current, identity) && (t.derived || current.Status.State == issues.StateActive)
}

func hasIdentity(found *issues.Issue, identity rules.Identity) bool {
	return rules.IdentityOf(found.Namespace, &found.Spec) == identity
}

// isRace tells errors after which a report has to look for its issue again.
func isRace(err error) bool {
	return errors.Is(err, errMoved) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || issue.IsClaimRefused(err)
}

// isOwnFault tells errors that one report can bring upon those that share its
// write.
func isOwnFault(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsBadRequest(err)
}

// isMixed tells failures that wait together with recoveries: that no issue may be opened
// concerns the failures alone.
func isMixed(batch []*entry) bool {
	return slices.ContainsFunc(batch, func(e *entry) bool { return e.report.Spec.Outcome != batch[0].report.Spec.Outcome })
}
