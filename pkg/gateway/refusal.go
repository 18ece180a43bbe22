// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retryAfter is what senders are asked to wait when the API says nothing else.
const retryAfter = 5 * time.Second

// passedOn are refusals that are the sender's to mend, with the code that it gets.
var passedOn = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
}

// ProblemOf says how an error is answered.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Problem{
			Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("a request may have at most %d bytes", tooLarge.Limit),
		}
	}
	if errors.Is(err, errNoToken) {
		return unauthorized()
	}
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return problemOfStatus(status.Status(), err)
	}
	if _, ok := errors.AsType[*url.Error](err); ok || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unavailable(retryAfter, err)
	}
	return &Problem{Status: http.StatusInternalServerError, Detail: "the request could not be worked on", Cause: err}
}

func unauthorized() *Problem {
	return &Problem{Status: http.StatusUnauthorized, Detail: "send a Kubernetes token as 'Authorization: Bearer TOKEN'"}
}

// Ours answers what the API refuses to the gateway's own account, and not to a sender: its
// operator has to mend it, and until then the same request is sent again.
func Ours(err error) error {
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return unavailable(retryAfter, err)
	}
	return err
}

// Retriable says whether the same request can succeed later.
func (p *Problem) Retriable() bool {
	return p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests
}

func problemOfStatus(status metav1.Status, err error) *Problem {
	code := int(status.Code)
	if !slices.Contains(passedOn, code) || isAbsent(&status) {
		return unavailable(pauseOf(&status), err)
	}
	return &Problem{Status: code, Detail: status.Message, Errors: causesOf(&status)}
}

// isAbsent tells an API that is not installed, or not yet, from a namespace that does not
// exist.
func isAbsent(status *metav1.Status) bool {
	if status.Code != http.StatusNotFound {
		return false
	}
	return status.Details == nil || slices.ContainsFunc(status.Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeUnexpectedServerResponse
	})
}

func causesOf(status *metav1.Status) []FieldError {
	if status.Details == nil {
		return nil
	}
	var out []FieldError
	for _, cause := range status.Details.Causes {
		out = append(out, FieldError{Field: cause.Field, Detail: cause.Message})
	}
	return out
}

func pauseOf(status *metav1.Status) time.Duration {
	if status.Details == nil || status.Details.RetryAfterSeconds <= 0 {
		return retryAfter
	}
	return time.Duration(status.Details.RetryAfterSeconds) * time.Second
}

// unavailable does not repeat the error, which may name addresses inside of the cluster.
func unavailable(pause time.Duration, err error) *Problem {
	return &Problem{
		Status: http.StatusServiceUnavailable, RetryAfter: pause, Cause: err,
		Detail: "the cluster's API does not take reports at the moment; send the same request again",
	}
}
