// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
)

// room is how many issues of a namespace may be Active; 0 is any number. An issue that
// is Active already can always be updated.
type room int64

// exceeded is worded as upstream's ResourceQuota words it.
func (r room) exceeded(obj runtime.Object, active int64) error {
	issue := asIssue(obj)
	return apierrors.NewForbidden(issues.Resource("issues"), issue.Name, fmt.Errorf(
		"exceeded quota: active issues of namespace %q, requested: 1, used: %d, limited: %d; "+
			"resolve or delete some, or have the limit raised (--max-active-issues-per-namespace of kite-apiserver)",
		issue.Namespace, active, r))
}

// check does for a dry run what storage does for a write that opens an issue.
func (r room) check(ctx context.Context, claims ClaimHolders, issue *issues.Issue) error {
	if r == 0 {
		return nil
	}
	active, err := claims.ClaimsHeld(ctx, KeyPrefix+issue.Namespace+"/"+issue.Name)
	if err != nil || active < int64(r) {
		return err
	}
	return r.exceeded(issue, active)
}
