// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// seedEnv repeats a run's choices, though not its timing.
	seedEnv = "KITE_FAULTS_SEED"
	// durationEnv is how long the mixed run takes.
	durationEnv     = "KITE_FAULTS_DURATION"
	defaultDuration = 20 * time.Second
)

func seed(t testing.TB) uint64 {
	t.Helper()
	chosen := rand.Uint64()
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		chosen, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", seedEnv, chosen)
	return chosen
}

// TestFault injects each fault alone, twice, under load.
func TestFault(t *testing.T) {
	t.Parallel()
	for name, inject := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, seed(t))
			c.follow()
			c.startLoad()
			c.progress(30)
			for range 2 {
				inject(t.Context(), c)
				c.progress(20)
			}
			verify(t, c.finish())
		})
	}
}

// TestMixedFaults injects all faults in random order, two at a time.
func TestMixedFaults(t *testing.T) {
	t.Parallel()
	duration := defaultDuration
	if text := os.Getenv(durationEnv); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	c := newCluster(t, seed(t))
	c.follow()
	c.startLoad()
	c.progress(50)
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var injectors sync.WaitGroup
	for i, names := range c.shuffled() {
		injectors.Go(func() { c.injectAll(ctx, names, time.Duration(i+1)*time.Second) })
	}
	injectors.Wait()
	c.progress(20)
	verify(t, c.finish())
}

// shuffled deals the faults into two rows that may be under way at the same time: those
// of the server, and those of engines and connections.
func (c *cluster) shuffled() [][]string {
	var servers, others []string
	for name := range faults {
		if name == "PostgreSQL killed" || name == "PostgreSQL crashed" || name == "sessions terminated" {
			servers = append(servers, name)
			continue
		}
		others = append(others, name)
	}
	for _, names := range [][]string{servers, others} {
		slices.Sort(names)
		c.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	return [][]string{others, servers}
}

// injectAll leaves at most rest between one fault's end and the next.
func (c *cluster) injectAll(ctx context.Context, names []string, rest time.Duration) {
	for i := 0; ctx.Err() == nil; i++ {
		name := names[i%len(names)]
		c.t.Logf("%6.2f s, revision %d: %s", time.Since(c.rec.start).Seconds(), c.ref.at(), name)
		faults[name](ctx, c)
		pause(ctx, c.between(rest/10, rest))
	}
}

// maxShown bounds what a failed check prints.
const maxShown = 10

// checks by what they are about.
var checks = map[string]func(*history) []string{
	"linearizability": checkLinear,
	"writes":          checkWrites,
	"lists":           checkLists,
	"gets":            checkGets,
	"order":           checkOrder,
	"content":         checkContent,
	"watches":         checkWatches,
}

// verify runs checks on what was recorded: those named, or all.
func verify(t testing.TB, h *history, names ...string) {
	t.Helper()
	for name, check := range checks {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		wrong := check(h)
		for _, text := range wrong[:min(len(wrong), maxShown)] {
			t.Errorf("%s: %s", name, text)
		}
		if len(wrong) > maxShown {
			t.Errorf("%s: and %d more", name, len(wrong)-maxShown)
		}
	}
}
