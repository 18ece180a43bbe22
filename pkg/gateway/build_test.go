// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/config"
)

// defaults is the configuration without a file.
func defaults() *Configuration {
	c := &Configuration{}
	config.Default(c)
	return c
}

// testClock stands still.
func testClock() *clocktesting.FakeClock { return clocktesting.NewFakeClock(testTime) }

// testSource takes POST /hook.
func testSource(handler Handler) Source {
	return Source{Name: "test", Pattern: "/hook", Handler: handler}
}

// admitting takes POST from one sender.
func admitting(name, pattern, sender string, handler Handler) Source {
	return Source{Name: name, Pattern: pattern, Admit: func(*http.Request) (string, Handler, error) { return sender, handler, nil }}
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	return WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

type requestEdit func(*http.Request)

func withHeader(name, value string) requestEdit {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func withToken(token string) requestEdit { return withHeader("Authorization", "Bearer "+token) }

// send posts a body with the token "secret".
func send(t testing.TB, h http.Handler, method, path, body string, edits ...requestEdit) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	withToken("secret")(r)
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problem is what a refusal says.
func problem(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	require.Equal(t, contentTypeProblem, w.Header().Get("Content-Type"))
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	require.InDelta(t, w.Code, out["status"], 0)
	require.Equal(t, "about:blank", out["type"])
	require.Equal(t, http.StatusText(w.Code), out["title"])
	require.NotEmpty(t, out["error"], "clients of KITE read it")
	return out
}
