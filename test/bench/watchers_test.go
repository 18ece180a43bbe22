// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/test/pgtest"
)

const (
	// namespaceWatchers watch one namespace each, and clusterWatchers all of them.
	namespaceWatchers, clusterWatchers = 990, 10
	// deliveriesOf an event are to its namespace's watcher, and to those of all.
	deliveriesOf = 1 + clusterWatchers
	// wantedRate is how many events come in a second in the target, for loadSeconds.
	wantedRate, loadSeconds = 500, 20
	// unpacedEvents are made without a pause.
	unpacedEvents = 60_000
)

// BenchmarkWatchers makes events at growing rates, and measures when 1,000 watches of one
// kite-apiserver over HTTPS have received them. Loads have fixed sizes, so run it with
// -test.benchtime 1x.
func BenchmarkWatchers(b *testing.B) {
	h := openHall(b)
	b.Run(fmt.Sprintf("Writers=http/Rate=%d", wantedRate), func(b *testing.B) {
		h.load(b, writeOverHTTP(b, h.server), wantedRate, wantedRate*loadSeconds)
	})
	for _, rate := range []int{wantedRate, 1000, 2000, 3000} {
		b.Run(fmt.Sprintf("Writers=replica/Rate=%d", rate), func(b *testing.B) {
			h.load(b, h.replica, rate, rate*loadSeconds)
		})
	}
	b.Run("Writers=replica/Rate=any", func(b *testing.B) { h.load(b, h.replica, 0, unpacedEvents) })
	b.Run("Memory", func(b *testing.B) { h.process.reportMemory(b, rawClient(b, h.server)) })
}

// BenchmarkWatchersProfile takes 10 s of a replica's CPU profile while its watches get all
// events that another one can make.
func BenchmarkWatchersProfile(b *testing.B) {
	path := os.Getenv(envProfile)
	if path == "" {
		b.Skip("no file is named in " + envProfile)
	}
	h := openHall(b)
	client := rawClient(b, h.server)
	type answer struct {
		profile []byte
		err     error
	}
	taken := make(chan answer, 1)
	go func() {
		profile, err := client.Get().RequestURI("/debug/pprof/profile?seconds=10").DoRaw(b.Context())
		taken <- answer{profile, err}
	}()
	h.load(b, h.replica, 0, unpacedEvents)
	a := <-taken
	require.NoError(b, a.err)
	require.NoError(b, os.WriteFile(path, a.profile, 0o600))
}

// hall is a kite-apiserver, as the Deployment runs it, with its audience.
type hall struct {
	server   *rest.Config
	process  process
	audience *watching
	// replica writes as another kite-apiserver does, which nobody watches.
	replica writer
	// made is how many issues there are.
	made int
}

func openHall(b *testing.B) *hall {
	b.Helper()
	pg := pgtest.Config(b)
	h := &hall{}
	server := kite(pg)
	server.environment = append(server.environment, deployed...)
	h.server, h.process = startBesideStub(b, server, startHost(b))
	h.audience = startWatching(b, h.server, namespaceWatchers)
	h.replica = writeByReplica(b, pg)
	// Each namespace is asked about once before anything is measured.
	h.audience.sightings(b, len(makeEvents(b, h.replica, h.reserve(namespaceWatchers), namespaceWatchers, 0))*deliveriesOf)
	return h
}

// reserve returns the first of n numbers that no other issue has.
func (h *hall) reserve(n int) int {
	h.made += n
	return h.made - n
}

// load makes n events, and reports when they came and what processor time that took.
func (h *hall) load(b *testing.B, write writer, rate, n int) {
	b.Helper()
	before, began := h.process.cpu(b), time.Now()
	made := makeEvents(b, write, h.reserve(n), n, rate)
	seen := h.audience.sightings(b, n*deliveriesOf)
	b.ReportMetric(0, "ns/op") // of all events together it says nothing
	b.ReportMetric((h.process.cpu(b)-before).Seconds()/time.Since(began).Seconds(), "server-cores")
	reportDeliveries(b, made, seen)
}

// reportDeliveries reports how long after its commit, and after it was due, each event was
// at each watch that it concerns. Of the commit the writer learns a moment later.
func reportDeliveries(b *testing.B, made []madeEvent, seen []sighting) {
	b.Helper()
	at := make(map[int64]madeEvent, len(made))
	for _, ev := range made {
		at[ev.revision] = ev
	}
	sinceCommit, sinceDue, last := make([]int64, len(seen)), make([]int64, len(seen)), int64(0)
	for i, s := range seen {
		ev, ok := at[s.Revision]
		require.True(b, ok, "revision %d is no event of this load", s.Revision)
		sinceCommit[i], sinceDue[i] = s.At-ev.answered, s.At-ev.due
		last = max(last, s.At)
	}
	took := time.Duration(last - made[0].due).Seconds()
	b.ReportMetric(float64(len(made))/took, "events/s")
	b.ReportMetric(float64(len(seen))/took, "deliveries/s")
	reportQuantiles(b, sinceCommit, "commit")
	reportQuantiles(b, sinceDue, "due")
}
