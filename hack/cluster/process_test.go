// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessStartsOnceAndStops(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), log: &progress{}}
	sleep := func(seconds string) *process { return c.daemon("sleep", "sleep", seconds) }

	require.NoError(t, sleep("600").start())
	t.Cleanup(func() { require.NoError(t, sleep("600").stop()) })
	first, _ := sleep("600").running()
	require.NotZero(t, first)

	require.NoError(t, sleep("600").start())
	second, _ := sleep("600").running()
	require.Equal(t, first, second, "the same command is left alone")

	require.NoError(t, sleep("601").start())
	third, _ := sleep("601").running()
	require.NotEqual(t, first, third, "another command takes its place")

	require.NoError(t, sleep("601").stop())
	gone, _ := sleep("601").running()
	require.Zero(t, gone)
}

func TestProcessReadyNamesTheLog(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), log: &progress{}}
	p := c.daemon("false", "false")
	require.NoError(t, p.start())
	never := func(context.Context) error { return errors.New("no answer") }
	err := p.ready(t.Context(), time.Minute, never)
	require.EqualError(t, err, "false: it stopped; see "+p.logFile())
}

func TestProcessIgnoresForeignPid(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), log: &progress{}}
	p := c.daemon("self", "self")
	require.NoError(t, c.write("pids/self", []byte("1 1 0\n"), 0o644))
	pid, _ := p.running()
	require.Zero(t, pid, "pid 1 did not start at tick 1")
	require.NoError(t, p.stop())
}
