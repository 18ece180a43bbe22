// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestProblemOf(t *testing.T) {
	t.Parallel()
	reports := schema.GroupResource{Group: "issues.kite.dev", Resource: "issuereports"}
	refused := &url.Error{Op: "Post", URL: "https://10.0.0.1:443/apis", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	invalid := apierrors.NewInvalid(schema.GroupKind{Kind: "IssueReport"}, "", field.ErrorList{
		field.Required(field.NewPath("spec", "issue", "title"), "a failure needs a title"),
		field.Invalid(field.NewPath("spec", "issue", "scope", "name"), "a/b", "no"),
	})
	cases := map[string]struct {
		reason string
		err    error
		want   int
		pause  time.Duration
		fields int
	}{
		"Invalid":      {reason: "with every field", err: invalid, want: http.StatusUnprocessableEntity, fields: 2},
		"BadRequest":   {reason: "the sender's fault", err: apierrors.NewBadRequest("no"), want: http.StatusBadRequest},
		"Unauthorized": {reason: "a wrong token", err: apierrors.NewUnauthorized("no"), want: http.StatusUnauthorized},
		"Forbidden":    {reason: "a missing right", err: apierrors.NewForbidden(reports, "", errors.New("no")), want: http.StatusForbidden},
		"NoNamespace":  {reason: "a namespace that is not there", err: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), want: http.StatusNotFound},
		"TooLarge":     {reason: "a report that is too large", err: apierrors.NewRequestEntityTooLargeError("no"), want: http.StatusRequestEntityTooLarge},
		"NotInstalled": {
			reason: "the API is not there, or not yet", want: http.StatusServiceUnavailable, pause: retryAfter,
			err: apierrors.NewGenericServerResponse(http.StatusNotFound, "post", reports, "", "404 page not found", 0, true),
		},
		"TooMany":     {reason: "the API's load is not the sender's fault", err: apierrors.NewTooManyRequests("busy", 7), want: http.StatusServiceUnavailable, pause: 7 * time.Second},
		"Unavailable": {reason: "the database is away", err: apierrors.NewServiceUnavailable("db"), want: http.StatusServiceUnavailable, pause: retryAfter},
		"Conflict":    {reason: "a race that a repetition wins", err: apierrors.NewConflict(reports, "", errors.New("no")), want: http.StatusServiceUnavailable, pause: retryAfter},
		"Internal":    {reason: "a bug there", err: apierrors.NewInternalError(errors.New("no")), want: http.StatusServiceUnavailable, pause: retryAfter},
		"Refused":     {reason: "kube-apiserver restarts", err: refused, want: http.StatusServiceUnavailable, pause: retryAfter},
		"Deadline":    {reason: "it takes too long", err: context.DeadlineExceeded, want: http.StatusServiceUnavailable, pause: retryAfter},
		"Unknown":     {reason: "a bug here", err: errors.New("bug"), want: http.StatusInternalServerError},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := ProblemOf(fmt.Errorf("report Failed of Pipeline x: %w", tc.err))
			require.Equal(t, tc.want, p.Status, tc.reason)
			require.Equal(t, tc.pause, p.RetryAfter, tc.reason)
			require.Len(t, p.Errors, tc.fields, tc.reason)
			require.Equal(t, tc.want >= 500, p.Retriable(), tc.reason)
			require.NotContains(t, p.Detail, "10.0.0.1", "addresses stay inside")
			if tc.want >= 500 {
				require.ErrorIs(t, p, tc.err, "the log says why")
			}
		})
	}
}

func TestIsAbsent(t *testing.T) {
	t.Parallel()
	require.True(t, isAbsent(&metav1.Status{Code: http.StatusNotFound}))
	require.False(t, isAbsent(&metav1.Status{Code: http.StatusForbidden}))
}
