// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
)

// Get reads a path without any retry. It answers code 0 when the server cannot be reached.
func Get(ctx context.Context, t testing.TB, cfg *rest.Config, path string) (code int, body []byte) {
	t.Helper()
	code, body, _ = Do(ctx, t, cfg, http.MethodGet, path, nil)
	return code, body
}

// Do sends one JSON request without any retry, which typed clients do on their own.
func Do(ctx context.Context, t testing.TB, cfg *rest.Config, method, path string, body []byte) (int, []byte, http.Header) {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(cfg.Host, "/")+path, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, nil
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, content, response.Header
}
