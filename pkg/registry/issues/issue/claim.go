// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

// KeyPrefix is the part of the key space that holds issues, as
// postgres.RESTOptionsGetter lays it out.
const KeyPrefix = "/" + issues.GroupName + "/issues/"

// CompareNamespaces orders namespaces as storage orders their issues: a-b/x is before a/x.
func CompareNamespaces(a, b string) int { return strings.Compare(a+"/", b+"/") }

// bookmarkInterval is how often a watch that allows bookmarks gets one, so that an
// idle informer resumes within the kept history.
const bookmarkInterval = time.Minute

// ClaimHolders tells which object holds a claim. *postgres.Engine does.
type ClaimHolders interface {
	// ClaimHolder returns the holder's key, "" when nobody holds the claim.
	ClaimHolder(ctx context.Context, claim []byte) (string, error)
	// ClaimsHeld returns how many objects of the folder of a key hold a claim.
	ClaimsHeld(ctx context.Context, key string) (int64, error)
}

// Resource is what the storage has to know of issues: each Active one claims its
// identity.
func Resource(cfg Config) postgres.Resource {
	projection := Projection()
	projection.Journal = journal(cfg.NamespaceUIDs)
	return postgres.Resource{
		Claim:            claimOf,
		ClaimRefused:     claimRefused,
		MaxClaims:        cfg.MaxActive,
		ClaimsExceeded:   room(cfg.MaxActive).exceeded,
		Projection:       projection,
		BookmarkInterval: bookmarkInterval,
	}
}

// ActiveHolder returns the name of the Active issue with an identity, "" when
// there is none.
func ActiveHolder(ctx context.Context, claims ClaimHolders, identity rules.Identity) (string, error) {
	key, err := claims.ClaimHolder(ctx, decodeClaim(identity.Hash()))
	if err != nil || key == "" {
		return "", err
	}
	return path.Base(key), nil
}

// IsClaimRefused says whether a write failed because another Active issue has the
// same identity.
func IsClaimRefused(err error) bool {
	return apierrors.IsConflict(err) && apierrors.HasStatusCause(err, metav1.CauseTypeFieldValueDuplicate)
}

func claimOf(obj runtime.Object) []byte {
	issue, ok := obj.(*issues.Issue)
	if !ok {
		return nil
	}
	return decodeClaim(rules.Claim(issue))
}

// decodeClaim stores a hash in half the bytes of its digits.
func decodeClaim(digits string) []byte {
	claim, err := hex.DecodeString(digits)
	if err != nil || len(claim) == 0 {
		return nil
	}
	return claim
}

// claimRefused is a conflict and not AlreadyExists: upstream answers that one to a
// generated name by trying other names.
func claimRefused(_ runtime.Object, holderKey string) error {
	holder := path.Base(holderKey)
	message := fmt.Sprintf("the active issue %q has the same type, scope, stage and key", holder)
	err := apierrors.NewConflict(issues.Resource("issues"), holder, errors.New(message))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{
		Type:    metav1.CauseTypeFieldValueDuplicate,
		Field:   "spec",
		Message: message,
	}}
	return err
}

// claimChecker does for a dry run what storage does for a write.
type claimChecker struct {
	claims ClaimHolders
	room   room
}

// check says whether obj may come in the place of old, which is nil for a new one.
func (c claimChecker) check(ctx context.Context, obj, old runtime.Object) error {
	issue, ok := obj.(*issues.Issue)
	claim := claimOf(obj)
	if !ok || claim == nil {
		return nil
	}
	holder, err := c.claims.ClaimHolder(ctx, claim)
	if err != nil {
		return err
	}
	if holder != "" && holder != KeyPrefix+issue.Namespace+"/"+issue.Name {
		return claimRefused(obj, holder)
	}
	if claimOf(old) != nil {
		return nil
	}
	return c.room.check(ctx, c.claims, issue)
}

func (c claimChecker) onCreate(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if next != nil {
			if err := next(ctx, obj); err != nil {
				return err
			}
		}
		return c.check(ctx, obj, nil)
	}
}

func (c claimChecker) onUpdate(next rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		if next != nil {
			if err := next(ctx, obj, old); err != nil {
				return err
			}
		}
		return c.check(ctx, obj, old)
	}
}
