// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package integration runs whole servers in the test's process, on a real PostgreSQL,
// and talks to them over HTTPS.
package integration

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/registry/issues/sweep"
	"kite.dev/kite/pkg/registry/issues/visibleissue"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// startTimeout is ample for a server that starts beside many others.
const startTimeout = 30 * time.Second

type settings struct {
	postgres   *postgres.Config
	authorizer authorizer.Authorizer
	tokens     map[string]string
	candidates visibleissue.Candidates
	clock      clock.Clock
	issues     issue.Config
	retention  sweep.Retention
}

// Option changes what StartServer starts.
type Option func(*settings)

// WithPostgres makes servers share a schema. Without it each has its own.
func WithPostgres(cfg postgres.Config) Option {
	return func(s *settings) { s.postgres = &cfg }
}

// WithAuthorizer decides what impersonated users may do. Without it they may do all.
func WithAuthorizer(a authorizer.Authorizer) Option {
	return func(s *settings) { s.authorizer = a }
}

// WithTokens authenticates users by tokens: the keys, with the users' names as values.
func WithTokens(tokens map[string]string) Option {
	return func(s *settings) { s.tokens = tokens }
}

// WithClock sets the times that the server writes into objects.
func WithClock(c clock.Clock) Option {
	return func(s *settings) { s.clock = c }
}

// WithMaxActive bounds the Active issues of each namespace.
func WithMaxActive(limit int64) Option {
	return func(s *settings) { s.issues.MaxActive = limit }
}

// WithNamespaceUIDs says under which UIDs history is kept. The default is none.
func WithNamespaceUIDs(uids issue.NamespaceUIDs) Option {
	return func(s *settings) { s.issues.NamespaceUIDs = uids }
}

// WithRetention says for how long what is over is kept. The default is for ever.
func WithRetention(retention sweep.Retention) Option {
	return func(s *settings) { s.retention = retention }
}

// StartServer starts a server on a free port of the loopback interface, which stops
// when the test ends. The answer is a privileged client's configuration; As makes a
// user's of it.
func StartServer(t testing.TB, opts ...Option) *rest.Config {
	t.Helper()
	s := settings{authorizer: authorizerfactory.NewAlwaysAllowAuthorizer()}
	for _, opt := range opts {
		opt(&s)
	}
	if s.postgres == nil {
		cfg := pgtest.Config(t)
		s.postgres = &cfg
	}
	cfg := newConfig(t, s)
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	run(t, server)
	waitReady(t, cfg.Generic.LoopbackClientConfig)
	return rest.CopyConfig(cfg.Generic.LoopbackClientConfig)
}

func newConfig(t testing.TB, s settings) *apiserver.Config {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serving := genericoptions.NewSecureServingOptions()
	serving.ServerCert.CertDirectory = ""
	serving.BindAddress = net.IPv4(127, 0, 0, 1)
	serving.Listener = listener
	serving.HTTP2MaxStreamsPerConnection = 1000
	require.NoError(t, serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, nil))

	cfg := apiserver.NewConfig()
	require.NoError(t, serving.WithLoopback().ApplyToConfig(&cfg.Generic.Config))
	cfg.Generic.ExternalAddress = listener.Addr().String()
	cfg.Generic.Authorization.Authorizer = s.authorizer
	if len(s.tokens) > 0 {
		cfg.Generic.Authentication.Authenticator = authenticateTokens(s.tokens)
	}
	cfg.Candidates = s.candidates
	cfg.Postgres = *s.postgres
	cfg.Clock = s.clock
	cfg.Issues = s.issues
	cfg.Retention = s.retention
	return cfg
}

func authenticateTokens(tokens map[string]string) authenticator.Request {
	users := map[string]*user.DefaultInfo{}
	for token, name := range tokens {
		users[token] = &user.DefaultInfo{Name: name, Groups: []string{user.AllAuthenticated}}
	}
	return authenticatorfactory.NewFromTokens(users, nil)
}

// run runs the server until the test ends.
func run(t testing.TB, server *apiserver.Server) {
	t.Helper()
	stop := start(t, server)
	t.Cleanup(func() { require.NoError(t, stop()) })
}

// start runs the server until stop is called, which waits for its end.
func start(t testing.TB, server *apiserver.Server) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	return func() error {
		cancel()
		return <-stopped
	}
}

// waitReady leaves the database out: a server starts without it, too.
func waitReady(t testing.TB, cfg *rest.Config) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, startTimeout, true,
		func(ctx context.Context) (bool, error) {
			code, _ := Get(ctx, t, cfg, "/readyz?exclude=postgres")
			return code == http.StatusOK, nil
		})
	require.NoError(t, err, "the server never became ready")
}

// As is cfg's server, used as somebody else.
func As(cfg *rest.Config, user string, groups ...string) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	return cfg
}

// Client is a typed client for cfg.
func Client(t testing.TB, cfg *rest.Config) versioned.Interface {
	t.Helper()
	client, err := versioned.NewForConfig(cfg)
	require.NoError(t, err)
	return client
}
