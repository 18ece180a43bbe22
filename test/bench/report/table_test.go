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

func TestTables(t *testing.T) {
	t.Parallel()
	const input = `commit: 0123456789ab
BenchmarkScale/In=namespace/list-2   1  0 ns/op  2.0 small-p50-ms  4.0 large-p50-ms
BenchmarkScale/In=namespace/get-2    1  0 ns/op  1.0 small-p50-ms
BenchmarkScale/In=all/list-2         1  0 ns/op  3.0 small-p50-ms
BenchmarkScale/In=namespace/list-2   1  0 ns/op  3.0 small-p50-ms  6.0 large-p50-ms
`
	const want = `- commit: 0123456789ab

| Scale/In=namespace | small-p50-ms | large-p50-ms |
|---|---|---|
| list | 2.5 | 5 |
| get | 1 |  |

| Scale/In=all | small-p50-ms |
|---|---|
| list | 3 |
`
	results, err := parse(strings.NewReader(input))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, results.writeTables(&out))
	require.Empty(t, cmp.Diff(want, out.String()))
}
