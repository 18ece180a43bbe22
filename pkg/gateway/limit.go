// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

// senderKey stands for a sender: a hash, so that no token is kept.
type senderKey [sha256.Size]byte

func keyOf(kind, value string) senderKey { return sha256.Sum256([]byte(kind + "\x00" + value)) }

// limiter bounds each sender's rate. It forgets the senders that were silent longest.
type limiter struct {
	rate  rate.Limit
	burst int
	clock clock.PassiveClock

	mu      sync.Mutex
	buckets *lru.Cache
}

func newLimiter(limits *configv1alpha1.GatewayLimits, clock clock.PassiveClock) *limiter {
	return &limiter{
		rate: rate.Limit(*limits.SenderQPS), burst: int(*limits.SenderBurst), clock: clock, buckets: lru.New(int(*limits.Senders)),
	}
}

// take returns how long the sender has to wait, 0 for not at all.
func (l *limiter) take(sender senderKey) time.Duration {
	now := l.clock.Now()
	reservation := l.bucket(sender).ReserveN(now, 1)
	pause := reservation.DelayFrom(now)
	if pause > 0 {
		reservation.CancelAt(now)
	}
	return pause
}

func (l *limiter) bucket(sender senderKey) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.buckets.Get(sender); ok {
		if bucket, ok := found.(*rate.Limiter); ok {
			return bucket
		}
	}
	bucket := rate.NewLimiter(l.rate, l.burst)
	l.buckets.Add(sender, bucket)
	return bucket
}
