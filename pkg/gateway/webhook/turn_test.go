// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/expression"
)

// TestSlowDeliveries: expressions of one namespace that take their time keep no other
// namespace's senders waiting. Its own are asked to come back.
func TestSlowDeliveries(t *testing.T) {
	t.Parallel()
	const other = "team-0"
	theirs := newSecret(map[string]string{"secret": testSecret})
	theirs.Namespace = other
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}), theirs)
	w.webhooks.turns = expression.NewTurns(2, 1)
	w.follow(t)
	w.knows(t, newWebhook())
	w.knows(t, newWebhook(func(w *v1alpha1.IssueWebhook) { w.Namespace = other }))
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- w.webhooks.turns.Do(t.Context(), testNamespace, func() {
			close(begun)
			<-end
		})
	}()
	<-begun
	code, answer, _ := w.post(t, "/webhooks/"+other+"/ci", twoChecks, "X-Signature", signed(testSecret, twoChecks))
	require.Equal(t, http.StatusOK, code, answer)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(twoChecks))
	r.Header.Set("X-Signature", signed(testSecret, twoChecks))
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	require.Equal(t, http.StatusServiceUnavailable, out.Code, "it waits for as long as requests may take")
	require.Equal(t, "5", out.Header().Get("Retry-After"))
	require.Contains(t, out.Body.String(), "wait for expressions to be evaluated")

	close(end)
	require.NoError(t, <-ended)
	code, answer = w.send(t, twoChecks)
	require.Equal(t, http.StatusOK, code, answer)
}

// TestManyDeliveries: those of one namespace do not fill the gateway while they wait.
func TestManyDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.webhooks.turns = expression.NewTurns(2, 0)
	w.follow(t)
	w.knows(t, newWebhook())
	require.NoError(t, w.webhooks.turns.Do(t.Context(), testNamespace, func() {
		code, answer, header := w.post(t, path, twoChecks, "X-Signature", signed(testSecret, twoChecks))
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Equal(t, "5", header.Get("Retry-After"))
		require.Equal(t, "too many others of the namespace wait for expressions to be evaluated", answer["detail"])
	}))
	require.Empty(t, w.own.Reports())
}
