// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/klog/v2"

	"kite.dev/kite/pkg/registry/issues/sweep"
	"kite.dev/kite/pkg/storage/postgres"
)

// Server is one replica. It keeps no state: any number may run on one schema.
type Server struct {
	// Generic serves HTTP. Hooks and health checks may be added to it before Run.
	Generic *genericapiserver.GenericAPIServer

	engine  *postgres.Engine
	sweeper *sweep.Sweeper
}

// Run serves until ctx ends, then lets requests in flight finish, and closes the
// database connections last. A Server runs once.
func (s *Server) Run(ctx context.Context) error {
	defer s.engine.Close()
	ctx, stop := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	defer sweeping.Wait()
	defer stop()
	sweeping.Go(func() { s.sweeper.Run(ctx) })
	return s.Generic.PrepareRun().RunWithContext(ctx)
}

// pinger is what readiness asks.
type pinger interface {
	Ping(ctx context.Context) error
}

// readyCheck fails /readyz while the database cannot be used. It is not part of
// /livez: a restart mends no database. The reason is logged once per change, because
// probes come every few seconds.
func readyCheck(db pinger) healthz.HealthChecker {
	var down atomic.Bool
	return healthz.NamedCheck("postgres", func(r *http.Request) error {
		err := db.Ping(r.Context())
		if failed := err != nil; down.Swap(failed) != failed {
			logger := klog.FromContext(r.Context())
			if failed {
				logger.Info("PostgreSQL is not ready", "reason", err.Error())
			} else {
				logger.Info("PostgreSQL is ready again")
			}
		}
		return err
	})
}
