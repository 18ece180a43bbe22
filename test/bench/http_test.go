// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// envRequests is how many requests many clients make together.
const envRequests = "KITE_BENCH_REQUESTS"

const (
	// manyClients is how many ask at once where a server is to be kept busy.
	manyClients = 32
	// defaultRequests take 32 clients of a custom resource some seconds on two cores.
	defaultRequests = 2000
	// maxRequests leave the namespace below the 10,000 Active issues that it may have by
	// default: all loads together create a bit more than four times as many.
	maxRequests = 2300
	// pagedIssues are in the namespace of which pageSize are listed.
	pagedIssues, pageSize = 1000, 500
)

// load is what many clients, or one, ask a server for.
type load struct {
	name       string
	run        func(b *testing.B, p *peer, clients, n int)
	clients, n int
}

func loads(n int) []load {
	return []load{
		{"Creates", benchCreates, 1, n / 8},
		{"Creates", benchCreates, manyClients, n},
		{"CreateToWatch/Load=idle", benchIdleCreateToWatch, 1, n / 40},
		{"CreateToWatch/Load=full", benchCreateToWatch, manyClients, n},
		{"StatusPatches", benchStatusPatches, manyClients, n},
		{"Gets/Names=distinct", benchDistinctGets, manyClients, n},
		{"Gets/Names=one", benchSameGets, manyClients, n},
		{fmt.Sprintf("Lists/Limit=%d/Of=%d", pageSize, pagedIssues), benchLists, 1, n / 40},
	}
}

// BenchmarkHTTP measures Issues over HTTPS as a ServiceAccount sees them, beside the same
// API from a custom resource and from upstream's storage. Servers take turns with each
// load. Loads have fixed sizes, so run it with -test.benchtime 1x.
func BenchmarkHTTP(b *testing.B) {
	n := requests(b)
	peers := newHost(b).peers(b)
	for _, l := range loads(n) {
		for _, p := range peers {
			b.Run(fmt.Sprintf("%s/Clients=%d/Server=%s", l.name, l.clients, p.name), func(b *testing.B) {
				l.run(b, p, l.clients, l.n)
			})
		}
	}
}

func requests(b *testing.B) int {
	b.Helper()
	given := os.Getenv(envRequests)
	if given == "" {
		return defaultRequests
	}
	n, err := strconv.Atoi(given)
	require.NoError(b, err, envRequests)
	require.GreaterOrEqual(b, n, 40, envRequests)
	require.LessOrEqual(b, n, maxRequests, envRequests)
	return n
}
