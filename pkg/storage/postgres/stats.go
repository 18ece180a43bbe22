// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/storage"
)

const (
	// statsTimeout bounds the query that counts every object of a resource.
	statsTimeout = time.Minute
	// statsSample is of how many objects the size is taken.
	statsSample = 10_000
)

// cachedStats keeps the answer of that query, and lets those who come while it runs
// share it. The mutex is never held while the database works.
type cachedStats struct {
	mu    sync.Mutex
	at    time.Time
	stats storage.Stats
	// asking is the query that runs now; nil when none does.
	asking *statsAnswer
}

type statsAnswer struct {
	done  chan struct{}
	stats storage.Stats
	err   error
}

// Stats implements storage.Interface. It is at most Config.StatsTTL old.
func (s *Store) Stats(ctx context.Context) (storage.Stats, error) {
	a := s.askStats(ctx)
	select {
	case <-a.done:
	case <-ctx.Done():
		return storage.Stats{}, apiError(ctx, ctx.Err())
	}
	result := a.stats
	if !s.sizeWanted.Load() {
		result.EstimatedAverageObjectSizeBytes = 0
	}
	return result, a.err
}

// askStats returns the cached answer, the one that is on its way, or a new one. The
// query goes on without the caller, for those who share it, until statsTimeout.
func (s *Store) askStats(ctx context.Context) *statsAnswer {
	c := &s.stats
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &statsAnswer{done: make(chan struct{}), stats: c.stats}
	if !c.at.IsZero() && s.engine.cfg.Clock.Since(c.at) < s.engine.cfg.StatsTTL {
		close(a.done)
		return a
	}
	if c.asking != nil {
		return c.asking
	}
	c.asking = a
	go s.refreshStats(context.WithoutCancel(ctx), a)
	return a
}

func (s *Store) refreshStats(ctx context.Context, a *statsAnswer) {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	asked := s.engine.cfg.Clock.Now()
	a.stats, a.err = s.readStats(ctx)
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.asking = nil
	if a.err == nil {
		s.stats.stats, s.stats.at = a.stats, asked
	}
	close(a.done)
}

func (s *Store) readStats(ctx context.Context) (storage.Stats, error) {
	prefix, err := s.prepareKey(s.Prefix, true)
	if err != nil {
		return storage.Stats{}, err
	}
	conn, err := s.engine.acquire(ctx)
	if err != nil {
		return storage.Stats{}, err
	}
	defer conn.Release()
	lo, hi := keyRange(prefix)
	var stats storage.Stats
	row := conn.QueryRow(ctx, statsSQL, lo, hi, statsSample)
	if err := row.Scan(&stats.ObjectCount, &stats.EstimatedAverageObjectSizeBytes); err != nil {
		return storage.Stats{}, apiError(ctx, err)
	}
	return stats, nil
}

// EnableResourceSizeEstimation implements storage.Interface. The database knows the
// sizes, so the keys are not needed.
func (s *Store) EnableResourceSizeEstimation(keys storage.KeysFunc) error {
	if keys == nil {
		return errors.New("KeysFunc cannot be nil")
	}
	if s.sizeWanted.Swap(true) {
		return errors.New("the estimation of sizes is already enabled")
	}
	return nil
}
