// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package gate holds a controller back until the kind that it watches is served:
// Kite runs on clusters without Tekton, and Tekton may be installed later.
package gate

import (
	"context"
	"fmt"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// interval is how often the host is asked for the kind: one discovery request
// of one API group.
const interval = 30 * time.Second

// mapper is the part of a RESTMapper that a gate asks. It has to notice new
// kinds, as controller-runtime's does.
type mapper interface {
	RESTMapping(kind schema.GroupKind, versions ...string) (*apimeta.RESTMapping, error)
}

// Gate starts a controller when its kind is served.
type Gate struct {
	kind   schema.GroupVersionKind
	mapper mapper
	open   func() error
	clock  clock.Clock
}

var (
	_ manager.Runnable               = (*Gate)(nil)
	_ manager.LeaderElectionRunnable = (*Gate)(nil)
)

// New returns a gate that calls open once, when kind is served.
func New(kind schema.GroupVersionKind, mapper mapper, clock clock.Clock, open func() error) *Gate {
	return &Gate{kind: kind, mapper: mapper, clock: clock, open: open}
}

// NeedLeaderElection says that only the leader waits.
func (g *Gate) NeedLeaderElection() bool { return true }

// Start returns when the gate was opened or the context ends. An error of open
// ends the manager.
func (g *Gate) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithValues("kind", g.kind.String())
	for waiting := false; ; {
		_, err := g.mapper.RESTMapping(g.kind.GroupKind(), g.kind.Version)
		if err == nil {
			log.Info("Kind is served, starting its controller")
			return g.open()
		}
		switch {
		case !apimeta.IsNoMatchError(err):
			log.Error(fmt.Errorf("look for %s: %w", g.kind.GroupKind(), err), "Discovery answers with an error, asking again", "after", interval)
		case !waiting:
			log.Info("Kind is not served, its controller waits for it")
			waiting = true
		}
		if !g.pause(ctx) {
			return nil
		}
	}
}

func (g *Gate) pause(ctx context.Context) bool {
	timer := g.clock.NewTimer(interval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
