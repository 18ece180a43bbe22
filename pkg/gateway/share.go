// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

const (
	// shareOfSender is how many requests of one token are worked on at once. What a request
	// of bodyBytes becomes is about 4 MiB.
	shareOfSender = 16
	// shareWait is how long further ones wait.
	shareWait = 5 * time.Second
	// knownFor is how long a token is known that the API has accepted.
	knownFor = 10 * time.Minute
)

// share is a sender's part of what the gateway works on.
type share chan struct{}

func newShare() share { return make(share, shareOfSender) }

// enter waits for a place.
func (s share) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shareWait)
	defer cancel()
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable(time.Second, ctx.Err())
	}
}

func (s share) leave() { <-s }

// shares keep senders from taking all memory. Anybody can make up tokens: those that the API
// has not accepted lately have one share together.
type shares struct {
	clock     clock.PassiveClock
	strangers share

	mu    sync.Mutex
	known *lru.Cache
}

// acquaintance is a token that the API has accepted.
type acquaintance struct {
	share share
	last  time.Time
}

func newShares(senders int, clock clock.PassiveClock) *shares {
	return &shares{clock: clock, strangers: newShare(), known: lru.New(senders)}
}

func (s *shares) of(token string) share {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.get(token); known != nil && s.clock.Since(known.last) < knownFor {
		return known.share
	}
	return s.strangers
}

// accepted notes that the API did what a token asked for.
func (s *shares) accepted(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.get(token)
	if known == nil {
		known = &acquaintance{share: newShare()}
		s.known.Add(keyOf("token", token), known)
	}
	known.last = s.clock.Now()
}

func (s *shares) get(token string) *acquaintance {
	found, _ := s.known.Get(keyOf("token", token))
	known, _ := found.(*acquaintance)
	return known
}
