// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	const input = `commit: 0123456789ab
pkg: kite.dev/kite/test/bench
BenchmarkList/Store=kite/RV=Exact-2   10  1000 ns/op  30.0 list-calls/s
BenchmarkStats/Store=kite-2           10  1000 ns/op
BenchmarkList/Store=etcd3/RV=Exact-2  10  2000 ns/op  20.0 list-calls/s
commit: 0123456789ab
BenchmarkList/Store=kite/RV=Exact-2   10  1000 ns/op  50.0 list-calls/s
BenchmarkList/Store=kite/RV=Exact-2   10  1000 ns/op  10.0 list-calls/s
BenchmarkStats/Store=etcd3-2          10  4000 ns/op
BenchmarkStats/Store=alone-2          10
BenchmarkWatch/Server=crd-2            1  9 ns/op  4.0 call-p99-ms  1.0 commit-p50-ms
BenchmarkWatch/Server=kite-2           1  9 ns/op  2.0 call-p99-ms  -0.5 commit-p50-ms
PASS
`
	const want = `- commit: 0123456789ab

| benchmark | unit | n | min | median | max | times its peer |
|---|---|---|---|---|---|---|
| List/Store=kite/RV=Exact | list-calls/s | 3 | 10 | 30 | 50 | 1.50 |
| List/Store=etcd3/RV=Exact | list-calls/s | 1 | 20 | 20 | 20 |  |
| Stats/Store=kite | ns/op | 1 | 1000 | 1000 | 1000 | 4.00 |
| Stats/Store=etcd3 | ns/op | 1 | 4000 | 4000 | 4000 |  |
| Watch/Server=crd | call-p99-ms | 1 | 4 | 4 | 4 |  |
| Watch/Server=kite | call-p99-ms | 1 | 2 | 2 | 2 | 2.00 |
| Watch/Server=crd | commit-p50-ms | 1 | 1 | 1 | 1 |  |
| Watch/Server=kite | commit-p50-ms | 1 | -0.5 | -0.5 | -0.5 |  |
`
	results, err := parse(strings.NewReader(input))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, results.write(&out))
	require.Empty(t, cmp.Diff(want, out.String()))
}

func TestSummaryRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	_, err := parse(strings.NewReader("BenchmarkList-2 10 fast ns/op\n"))
	require.ErrorContains(t, err, "BenchmarkList-2 10 fast ns/op")
}
