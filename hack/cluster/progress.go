// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// step is one line of progress: what it makes ready, and how.
type step struct {
	name string
	run  func(context.Context) error
}

// progress tells on standard error what is done and how long it took.
type progress struct{}

func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func (p *progress) run(ctx context.Context, steps []step) error {
	for i, s := range steps {
		begin := time.Now()
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		p.say("[%d/%d] %s (%.1fs)", i+1, len(steps), s.name, time.Since(begin).Seconds())
	}
	return nil
}

// waitFor polls until check succeeds, and returns its last error at the deadline.
func waitFor(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %s: %w", limit, err)
		case <-tick.C:
		}
	}
}
