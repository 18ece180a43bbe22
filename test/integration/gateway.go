// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"

	"kite.dev/kite/cmd/gateway/app"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
)

// Gateway is a running kite-gateway.
type Gateway struct{ config *rest.Config }

// StartGateway starts a gateway on a free port of the loopback interface, which stops when
// the test ends. Of the host's configuration it takes address and authority only.
func StartGateway(t testing.TB, host *rest.Config) *Gateway {
	t.Helper()
	c := &gateway.Configuration{}
	config.Default(c)
	c.Serving.BindAddress, c.Health.BindAddress, c.Timeouts.Leave.Duration = "127.0.0.1:0", "127.0.0.1:0", 0
	c.Serving.CertDir, c.Timeouts.Report.Duration = t.TempDir(), 5*time.Second
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", nil, nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.Serving.CertDir, "tls.crt"), certificate, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(c.Serving.CertDir, "tls.key"), key, 0o600))

	sources, follow, err := app.NewSources(host, c)
	require.NoError(t, err)
	server, err := gateway.NewServer(t.Context(), c, clock.RealClock{}, sources...)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	var following sync.WaitGroup
	following.Go(func() { follow(ctx) })
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		following.Wait()
	})
	return &Gateway{&rest.Config{
		Host: "https://" + server.Address().String(), TLSClientConfig: rest.TLSClientConfig{CAData: certificate},
	}}
}

// Post sends a body with a token, which may be empty.
func (g *Gateway) Post(t testing.TB, token, path, body string) (int, map[string]any) {
	t.Helper()
	code, answer, _ := g.Do(t, token, http.MethodPost, path, body)
	return code, answer
}

// Do sends a request with a token, which may be empty.
func (g *Gateway) Do(t testing.TB, token, method, path, body string) (int, map[string]any, http.Header) {
	t.Helper()
	cfg := rest.CopyConfig(g.config)
	cfg.BearerToken = token
	code, content, header := Do(t.Context(), t, cfg, method, path, []byte(body))
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(content, &answer), "%d: %s", code, content)
	return code, answer, header
}

// Raw posts a body of any type, and returns the answer's.
func (g *Gateway) Raw(t testing.TB, token, path, contentType, body string) (int, []byte, http.Header) {
	t.Helper()
	cfg := rest.CopyConfig(g.config)
	cfg.BearerToken = token
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, content, response.Header
}
