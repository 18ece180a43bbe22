// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// maxHeaderBytes has room for a large token.
const maxHeaderBytes = 64 << 10

// Server serves webhooks until it is told to stop.
type Server struct {
	config   *Configuration
	clock    clock.Clock
	cert     *certwatcher.CertWatcher
	webhooks net.Listener
	health   net.Listener
	handler  http.Handler
	leaving  atomic.Bool
	started  time.Time
	ready    []func() bool
}

// NewServer listens, and reads the certificate.
func NewServer(ctx context.Context, config *Configuration, clock clock.Clock, sources ...Source) (*Server, error) {
	cert, err := certwatcher.New(filepath.Join(config.Serving.CertDir, "tls.crt"), filepath.Join(config.Serving.CertDir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	s := &Server{config: config, clock: clock, cert: cert, handler: NewHandler(config, clock, sources...), started: clock.Now()}
	for _, source := range sources {
		if source.Ready != nil {
			s.ready = append(s.ready, source.Ready)
		}
	}
	if s.webhooks, err = (&net.ListenConfig{}).Listen(ctx, "tcp", config.Serving.BindAddress); err != nil {
		return nil, err
	}
	if s.health, err = (&net.ListenConfig{}).Listen(ctx, "tcp", config.Health.BindAddress); err != nil {
		_ = s.webhooks.Close()
		return nil, err
	}
	return s, nil
}

// Address is where webhooks are served.
func (s *Server) Address() net.Addr { return s.webhooks.Addr() }

// HealthAddress is where /livez and /readyz are served.
func (s *Server) HealthAddress() net.Addr { return s.health.Addr() }

// Run serves until ctx ends. It then answers what is in flight, while it says that it is
// not ready.
func (s *Server) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	webhooks := s.httpServer(base, s.handler)
	// A connection of HTTP/2 would hold hundreds of requests.
	webhooks.Protocols = new(http.Protocols)
	webhooks.Protocols.SetHTTP1(true)
	webhooks.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.cert.GetCertificate}
	health := s.httpServer(base, s.healthHandler())

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.cert.Start(ctx) })
	group.Go(func() error {
		return ended(webhooks.ServeTLS(netutil.LimitListener(s.webhooks, int(*s.config.Limits.Connections)), "", ""))
	})
	group.Go(func() error { return ended(health.Serve(s.health)) })
	group.Go(func() error {
		<-ctx.Done()
		return s.stop(base, webhooks, health)
	})
	klog.FromContext(ctx).Info("Serving", "address", s.Address().String(), "health", s.HealthAddress().String())
	return group.Wait()
}

// stop lets load balancers notice before it takes no more connections. Health is served to
// the end.
func (s *Server) stop(ctx context.Context, webhooks, health *http.Server) error {
	s.leaving.Store(true)
	<-s.clock.After(s.config.Timeouts.Leave.Duration)
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeouts.Shutdown.Duration)
	defer cancel()
	return errors.Join(webhooks.Shutdown(ctx), health.Shutdown(ctx))
}

func (s *Server) httpServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: min(5*time.Second, s.config.Timeouts.Read.Duration),
		ReadTimeout:       s.config.Timeouts.Read.Duration,
		WriteTimeout:      s.config.Timeouts.Write.Duration,
		IdleTimeout:       s.config.Timeouts.Idle.Duration,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          klog.NewStandardLogger("WARNING"),
	}
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
