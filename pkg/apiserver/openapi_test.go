// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/storage/postgres"
)

// specDir holds the documents for people and for generators of clients.
const specDir = "../../api/openapi-spec"

// documents are the files of specDir, and where the server serves them.
var documents = map[string]string{
	"swagger.json": "/openapi/v2",
	"v3/apis__issues.kite.dev__v1alpha1_openapi.json": "/openapi/v3/apis/issues.kite.dev/v1alpha1",
}

// TestOpenAPIDocuments compares what is served with what is kept. A compatible change is
// accepted by make generate; another one is not.
func TestOpenAPIDocuments(t *testing.T) {
	t.Parallel()
	server := documentServer(t)
	for name, path := range documents {
		file := filepath.Join(specDir, name)
		kept, err := os.ReadFile(file)
		require.NoError(t, err)
		served := fetchDocument(t, server, path)
		before, after := decodeObject(t, kept), decodeObject(t, served)
		require.Empty(t, incompatible(before, after),
			"%s: clients of the API would break. This cannot be accepted by generating the file again: "+
				"change the types back, or bring the change in a new version of the group", name)
		if os.Getenv(envUpdate) != "" {
			require.NoError(t, os.WriteFile(file, served, 0o600))
			continue
		}
		require.Equal(t, string(kept), string(served), "%s: the API has changed in a compatible way: run make generate, and commit it", name)
	}
}

// documentServer is a server that has never seen a database, which documents do not need.
func documentServer(t *testing.T) *Server {
	t.Helper()
	cfg := NewConfig()
	cfg.Generic.LoopbackClientConfig = &rest.Config{}
	cfg.Generic.ExternalAddress = "localhost:443"
	cfg.Generic.OpenAPIConfig.Info.Version = "unversioned"
	cfg.Generic.OpenAPIV3Config.Info.Version = "unversioned"
	cfg.Postgres = postgres.Config{DSN: "postgres://kite@127.0.0.1:1/kite?sslmode=disable"}
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	t.Cleanup(server.engine.Close)
	server.Generic.PrepareRun()
	return server
}

// fetchDocument reads a document behind authentication, with its members in order.
func fetchDocument(t *testing.T, server *Server, path string) []byte {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Header.Set("Accept", "application/json")
	recorder := httptest.NewRecorder()
	server.Generic.Handler.NonGoRestfulMux.ServeHTTP(recorder, request)
	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body)
	content, err := json.MarshalIndent(decodeObject(t, recorder.Body.Bytes()), "", "  ")
	require.NoError(t, err)
	return append(content, '\n')
}

func decodeObject(t *testing.T, data []byte) map[string]any {
	t.Helper()
	object, ok := decodeAny(t, data).(map[string]any)
	require.True(t, ok, "want an object")
	return object
}
