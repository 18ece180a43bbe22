// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
)

// TestWithoutNames: nobody learns from an error that there is an issue named secret.
func TestWithoutNames(t *testing.T) {
	t.Parallel()
	const key = "/issues.kite.dev/issues/team/secret"
	expired := apierrors.NewResourceExpired("too old")
	expired.ErrStatus.ListMeta.Continue = "c2VjcmV0"
	cases := map[string]struct {
		reason string
		err    error
		want   func(error) bool
	}{
		"None":        {"no error", nil, isNil},
		"Expired":     {"its token names where to go on", expired, apierrors.IsTimeout},
		"Outage":      {"it is about the server", apierrors.NewServiceUnavailable("no database"), apierrors.IsServiceUnavailable},
		"BadRequest":  {"it is about the request", apierrors.NewBadRequest("no selector"), apierrors.IsBadRequest},
		"TooLarge":    {"one issue is", apierrors.NewRequestEntityTooLargeError("secret"), apierrors.IsInternalError},
		"Conflict":    {"it names the issue", apierrors.NewConflict(issues.Resource("issues"), "secret", errors.New("x")), apierrors.IsInternalError},
		"Unreadable":  {"it has the key", apierrors.NewInternalError(errors.New(key)), apierrors.IsInternalError},
		"StorageSays": {"what is no status would be told as it is", storage.NewTimeoutError(key, "late"), apierrors.IsInternalError},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := WithoutNames(t.Context(), tc.err)
			require.True(t, tc.want(err), "%s: %v", tc.reason, err)
			if err == nil {
				return
			}
			require.NotContains(t, err.Error(), "secret", tc.reason)
			var status apierrors.APIStatus
			require.ErrorAs(t, err, &status)
			require.Empty(t, status.Status().Continue, tc.reason)
		})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	require.True(t, apierrors.IsTimeout(WithoutNames(ended, storage.NewTimeoutError(key, "late"))))
}
