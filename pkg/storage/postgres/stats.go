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

// cachedStats keeps the answer of a query that reads every row of a resource.
type cachedStats struct {
	mu    sync.Mutex
	at    time.Time
	stats storage.Stats
}

// Stats implements storage.Interface. It is at most Config.StatsTTL old.
func (s *Store) Stats(ctx context.Context) (storage.Stats, error) {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	now := s.engine.cfg.Clock.Now()
	if s.stats.at.IsZero() || now.Sub(s.stats.at) >= s.engine.cfg.StatsTTL {
		fresh, err := s.readStats(ctx)
		if err != nil {
			return storage.Stats{}, err
		}
		s.stats.stats, s.stats.at = fresh, now
	}
	result := s.stats.stats
	if !s.sizeWanted.Load() {
		result.EstimatedAverageObjectSizeBytes = 0
	}
	return result, nil
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
	var count, size int64
	if err := conn.QueryRow(ctx, statsSQL, lo, hi).Scan(&count, &size); err != nil {
		return storage.Stats{}, apiError(ctx, err)
	}
	stats := storage.Stats{ObjectCount: count}
	if count > 0 {
		stats.EstimatedAverageObjectSizeBytes = size / count
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
