// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/util/cert"
	clocktesting "k8s.io/utils/clock/testing"
)

const (
	eventually = 30 * time.Second
	tick       = 5 * time.Millisecond
)

// writeCertificate makes a certificate for a name.
func writeCertificate(t testing.TB, dir, name string) {
	t.Helper()
	certificate, key, err := cert.GenerateSelfSignedCertKey(name, nil, []string{"localhost"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.key"), key, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tls.crt"), certificate, 0o600))
}

type running struct {
	*Server

	clock  *clocktesting.FakeClock
	client *http.Client
	stop   context.CancelFunc
	ended  chan error
}

func run(t testing.TB, sources ...Source) (*running, *Configuration) {
	t.Helper()
	settings := defaults()
	settings.Serving.BindAddress, settings.Health.BindAddress = "127.0.0.1:0", "127.0.0.1:0"
	settings.Serving.CertDir = t.TempDir()
	writeCertificate(t, settings.Serving.CertDir, "first")
	r := &running{clock: testClock(), ended: make(chan error, 1)}
	server, err := NewServer(t.Context(), settings, r.clock, sources...)
	require.NoError(t, err)
	r.Server = server
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = stop
	t.Cleanup(stop)
	go func() { r.ended <- server.Run(ctx) }()
	r.client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}}
	return r, settings
}

func (r *running) get(t testing.TB, url string) int {
	t.Helper()
	code, err := r.try(t.Context(), url)
	if err != nil {
		t.Log(err)
	}
	return code
}

// try answers code 0 when there is no server.
func (r *running) try(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func (r *running) ready(t testing.TB) int {
	t.Helper()
	return r.get(t, "http://"+r.HealthAddress().String()+"/readyz")
}

func open(name string, handler Handler) Source {
	return Source{Name: name, Pattern: "/" + name, Method: http.MethodGet, Sender: func(*http.Request) string { return "" }, Handler: handler}
}

// TestGracefulShutdown: what is in flight is answered, and the server says before that it
// goes.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	r, settings := run(t, open("ok", ok), open("slow", func(w http.ResponseWriter, r *http.Request) error {
		close(entered)
		<-leave
		return ok(w, r)
	}))
	slow := make(chan int, 1)
	go func() {
		code, _ := r.try(t.Context(), "https://"+r.Address().String()+"/slow")
		slow <- code
	}()
	<-entered
	require.Equal(t, http.StatusOK, r.ready(t))
	require.Equal(t, http.StatusOK, r.get(t, "http://"+r.HealthAddress().String()+"/livez"))

	r.stop()
	require.Eventually(t, func() bool { return r.ready(t) == http.StatusServiceUnavailable }, eventually, tick)
	require.Equal(t, http.StatusOK, r.get(t, "https://"+r.Address().String()+"/ok"), "until load balancers have noticed, all is served")
	require.Eventually(t, r.clock.HasWaiters, eventually, tick)
	r.clock.Step(settings.Timeouts.Leave.Duration)
	require.Eventually(t, func() bool { return r.get(t, "https://"+r.Address().String()+"/ok") == 0 }, eventually, tick)
	require.Empty(t, r.ended)
	close(leave)
	require.Equal(t, http.StatusOK, <-slow)
	require.NoError(t, <-r.ended)
}

// TestCertificateIsRenewed without a restart, and older protocols are refused.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	r, settings := run(t, open("ok", ok))
	served := func() string {
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", r.Address().String())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	require.Equal(t, "first", served())
	writeCertificate(t, settings.Serving.CertDir, "second")
	require.Eventually(t, func() bool { return served() == "second" }, eventually, tick)

	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	_, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", r.Address().String())
	require.ErrorContains(t, err, "protocol version")
}

func TestServerNeedsItsFiles(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Serving.CertDir = filepath.Join(t.TempDir(), "none")
	_, err := NewServer(t.Context(), settings, testClock())
	require.ErrorContains(t, err, "read the server's certificate")
}
