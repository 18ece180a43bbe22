// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

func TestWrongSchemaVersionStopsTheStart(t *testing.T) {
	t.Parallel()
	pg := pgtest.EmptyConfig(t)
	cfg := newConfig(t, settings{postgres: &pg})
	_, err := cfg.Complete().New(t.Context())
	var version *postgres.SchemaVersionError
	require.ErrorAs(t, err, &version)
	require.ErrorContains(t, err, "kite-apiserver migrate")
}

// TestEmbeddedDefaults: a configuration without authenticator and authorizer lets
// nobody in but the process itself.
func TestEmbeddedDefaults(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	cfg := newConfig(t, settings{postgres: &pg})
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	run(t, server)
	loopback := cfg.Generic.LoopbackClientConfig
	waitReady(t, loopback)

	_, err = Client(t, loopback).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	stranger := rest.CopyConfig(loopback)
	stranger.BearerToken = "guessed"
	_, err = Client(t, stranger).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsUnauthorized(err), "%v", err)
	_, err = Client(t, As(loopback, "dana")).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
}

func TestAuthorizerDecides(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithAuthorizer(authorizerfactory.NewPrivilegedGroups("system:masters", "team-gamma")))
	_, err := Client(t, As(cfg, "dana", "team-gamma")).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	_, err = Client(t, As(cfg, "eve")).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, `cannot list resource "issues" in API group "issues.kite.dev" in the namespace "team-gamma"`)
}

// TestStopWithOpenWatch: a watch does not keep a stopping server from going.
func TestStopWithOpenWatch(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	cfg := newConfig(t, settings{postgres: &pg})
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	stop := start(t, server)
	waitReady(t, cfg.Generic.LoopbackClientConfig)
	events, err := Client(t, cfg.Generic.LoopbackClientConfig).IssuesV1alpha1().Issues("").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer events.Stop()

	began := time.Now()
	require.NoError(t, stop())
	require.Less(t, time.Since(began), apiserver.DefaultWatchGracePeriod)
	_, open := <-events.ResultChan()
	require.False(t, open)
}
