// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWholeBlobs(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Seen", r.Header.Get("Range"))
	})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/busybox/blobs/sha256:0", nil)
	request.Header.Set("Range", "bytes=5-")
	recorder := httptest.NewRecorder()
	wholeBlobs(next).ServeHTTP(recorder, request)
	require.Equal(t, []string{""}, recorder.Header().Values("Seen"))
}
