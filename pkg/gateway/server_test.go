// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
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
	return start(t, settings, sources...), settings
}

func start(t testing.TB, settings *Configuration, sources ...Source) *running {
	t.Helper()
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
	return r
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
	source := admitting(name, "/"+name, "", handler)
	source.Method = http.MethodGet
	return source
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

// TestReadiness: a server that has just begun waits for what its sources need to know, but
// not for ever.
func TestReadiness(t *testing.T) {
	t.Parallel()
	var known atomic.Bool
	source := open("ok", ok)
	source.Ready = known.Load
	r, _ := run(t, source, open("other", ok))
	require.Equal(t, http.StatusServiceUnavailable, r.ready(t))
	require.Equal(t, http.StatusOK, r.get(t, "http://"+r.HealthAddress().String()+"/livez"))
	known.Store(true)
	require.Equal(t, http.StatusOK, r.ready(t))

	known.Store(false)
	require.Equal(t, http.StatusServiceUnavailable, r.ready(t))
	r.clock.Step(maxStart)
	require.Equal(t, http.StatusOK, r.ready(t), "it tells senders to come back")
}

// TestConnections: further ones wait until one ends, and one has one request at a time.
func TestConnections(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Limits.Connections = new(int32(1))
	r := start(t, settings, open("ok", ok))
	first, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}}).
		DialContext(t.Context(), "tcp", r.Address().String())
	require.NoError(t, err)
	require.Equal(t, "http/1.1", first.(*tls.Conn).ConnectionState().NegotiatedProtocol)

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = r.try(ctx, "https://"+r.Address().String()+"/ok")
	require.ErrorIs(t, err, context.DeadlineExceeded, "there is room for one")
	require.NoError(t, first.Close())
	require.Equal(t, http.StatusOK, r.get(t, "https://"+r.Address().String()+"/ok"))
}

func TestServerNeedsItsFiles(t *testing.T) {
	t.Parallel()
	settings := defaults()
	settings.Serving.CertDir = filepath.Join(t.TempDir(), "none")
	_, err := NewServer(t.Context(), settings, testClock())
	require.ErrorContains(t, err, "read the server's certificate")
}
