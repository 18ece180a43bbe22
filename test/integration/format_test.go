// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// TestFormats: which formats the server speaks is part of the API. CBOR comes when the
// libraries have it on by default.
func TestFormats(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	send := func(contentType, accept, body string) (code int, answer string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			cfg.Host+"/apis/issues.kite.dev/v1alpha1/namespaces/"+namespace+"/issues?dryRun=All", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Accept", accept)
		response, err := client.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(content)
	}
	const (
		asJSON = `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue","metadata":{"name":"a"},"spec":{"title":"t","type":"build","severity":"minor","scope":{"kind":"K","name":"front"}}}`
		asYAML = "apiVersion: issues.kite.dev/v1alpha1\nkind: Issue\nmetadata: {name: a}\nspec:\n  title: t\n  type: build\n  severity: minor\n  scope: {kind: K, name: front}\n"
	)
	for name, tc := range map[string]struct {
		reason, contentType, accept, body string
		code                              int
		want                              string
	}{
		"JSON":           {"the usual one", runtime.ContentTypeJSON, runtime.ContentTypeJSON, asJSON, http.StatusCreated, `"severity":"minor"`},
		"YAML":           {"curl -T issue.yaml", runtime.ContentTypeYAML, runtime.ContentTypeYAML, asYAML, http.StatusCreated, "\n  severity: minor\n"},
		"Mixed":          {"question and answer are apart", runtime.ContentTypeYAML, runtime.ContentTypeJSON, asYAML, http.StatusCreated, `"severity":"minor"`},
		"CBORAccepted":   {"upstream's gate is off", runtime.ContentTypeJSON, runtime.ContentTypeCBOR, asJSON, http.StatusNotAcceptable, "application/json"},
		"CBORSent":       {"upstream's gate is off", runtime.ContentTypeCBOR, runtime.ContentTypeJSON, "\xd9\xd9\xf7\xa0", http.StatusUnsupportedMediaType, "application/json"},
		"CBORIfPossible": {"how clients will ask that prefer it", runtime.ContentTypeJSON, "application/cbor, application/json;q=0.9", asJSON, http.StatusCreated, `"severity":"minor"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, answer := send(tc.contentType, tc.accept, tc.body)
			require.Equal(t, tc.code, code, "%s: %s", tc.reason, answer)
			require.Contains(t, answer, tc.want, tc.reason)
		})
	}
}
