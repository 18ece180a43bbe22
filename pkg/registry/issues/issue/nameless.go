// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

// retryAfterSeconds is when to ask again after what was read got lost.
const retryAfterSeconds = 1

// WithoutNames makes an error about issues of any namespace one for those who may not
// read these issues: most errors name one, and so does the token by which a list that
// has expired goes on. Only the log keeps the name.
func WithoutNames(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return apierrors.NewTimeoutError("the request ended before all issues were looked at", retryAfterSeconds)
	case apierrors.IsResourceExpired(err):
		return apierrors.NewTimeoutError("the issues changed for too long while they were looked at; try again", retryAfterSeconds)
	case isNameless(err):
		return err
	default:
		klog.FromContext(ctx).Error(err, "An issue of some namespace could not be looked at")
		return apierrors.NewInternalError(errors.New("an issue of some namespace could not be looked at; the server's log says why"))
	}
}

// isNameless tells errors that are about the request or the server, and not one issue.
func isNameless(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && (IsPassing(err) || apierrors.IsBadRequest(err))
}

// IsPassing tells errors that say nothing of an issue: it, and others, may work later.
func IsPassing(err error) bool {
	return apierrors.IsServiceUnavailable(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err)
}
