// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// Allowed asks with the token of the context whether its owner may do something, so that the
// gateway needs no right to ask about others. It refuses with what the owner needs, unless an
// authorizer could not tell.
func Allowed(
	ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter,
	what authorizationv1.SelfSubjectAccessReviewSpec, needs string,
) error {
	review, err := reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{Spec: what}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return err
	case review.Status.Allowed:
		return nil
	case review.Status.EvaluationError != "" && !review.Status.Denied:
		return unavailable(retryAfter, errors.New(review.Status.EvaluationError))
	default:
		return &Problem{Status: http.StatusForbidden, Detail: needs}
	}
}
