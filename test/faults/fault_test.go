// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"syscall"
	"time"
)

const (
	stop = syscall.SIGSTOP
	cont = syscall.SIGCONT
)

// longPause is longer than any lock or session of an engine lasts without it.
const longPause = 6500 * time.Millisecond

// fault breaks something and mends it before it returns.
type fault func(ctx context.Context, c *cluster)

// faults by name.
var faults = map[string]fault{
	"sessions terminated":      terminateSessions,
	"PostgreSQL killed":        killPostgres,
	"PostgreSQL crashed":       crashPostgres,
	"engine paused":            pauseEngine(500*time.Millisecond, 1500*time.Millisecond),
	"engine paused for long":   pauseEngine(longPause, longPause),
	"engine killed":            killEngine,
	"connections stalled":      proxyFault(300*time.Millisecond, 2*time.Second, func(p *proxy) { p.stalled = true }),
	"connections slow":         proxyFault(500*time.Millisecond, time.Second, func(p *proxy) { p.delay = 30 * time.Millisecond }),
	"connections refused":      proxyFault(300*time.Millisecond, 4*time.Second, func(p *proxy) { p.refused = true }),
	"connections cut":          cutConnections,
	"connections cut silently": cutSilently,
	"answers lost":             loseAnswers,
	"lost while it waits":      cutWaiting,
	"old snapshot":             holdSnapshot,
	"history trimmed":          trimHistory,
	"history compacted":        compactHistory,
}

func (c *cluster) between(least, most time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return least + time.Duration(c.random.Int64N(int64(most-least)+1))
}

func (c *cluster) someSlot() *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots[c.random.IntN(len(c.slots))]
}

func terminateSessions(ctx context.Context, c *cluster) {
	for range 5 {
		c.exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kite' AND application_name = 'kite-apiserver'")
		pause(ctx, c.between(10*time.Millisecond, 100*time.Millisecond))
	}
}

// exec runs a statement that may fail: another fault may be under way.
func (c *cluster) exec(ctx context.Context, sql string, args ...any) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := connect(ctx, c.primary(), schemaName)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, _ = conn.Exec(ctx, sql, args...)
}

// killPostgres leaves the sessions to notice: some of them commit what they were at.
func killPostgres(_ context.Context, c *cluster) {
	c.primary().kill()
	c.primary().start(c.t)
}

func crashPostgres(ctx context.Context, c *cluster) {
	c.primary().crash()
	pause(ctx, c.between(0, time.Second))
	c.primary().start(c.t)
}

func pauseEngine(least, most time.Duration) fault {
	return func(ctx context.Context, c *cluster) {
		p := c.someSlot().process()
		p.signal(stop)
		defer p.signal(cont)
		pause(ctx, c.between(least, most))
	}
}

func killEngine(_ context.Context, c *cluster) {
	s := c.someSlot()
	s.process().kill()
	c.startEngine(s)
}

func proxyFault(least, most time.Duration, change func(*proxy)) fault {
	return func(ctx context.Context, c *cluster) {
		p := c.someSlot().proxy
		if p.set(func() { change(p) }); p.isRefusing() {
			p.cut()
		}
		pause(ctx, c.between(least, most))
		p.mend()
	}
}

func cutConnections(_ context.Context, c *cluster) { c.someSlot().proxy.cut() }

func cutSilently(ctx context.Context, c *cluster) { c.someSlot().proxy.vanish(ctx, c.t) }

// cutWaiting makes all writes wait at the server and cuts an engine off meanwhile: its
// sessions know nothing of it, and would commit what the engine has given up.
func cutWaiting(ctx context.Context, c *cluster) {
	conn, err := connect(ctx, c.primary(), schemaName)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, _ = conn.Exec(ctx, "SET lock_timeout = '2s'")
	_, _ = conn.Exec(ctx, "BEGIN")
	_, _ = conn.Exec(ctx, "SELECT FROM objects FOR UPDATE")
	for _, s := range c.slots {
		pause(ctx, c.between(50*time.Millisecond, 200*time.Millisecond))
		s.proxy.vanish(ctx, c.t)
	}
	pause(ctx, c.between(200*time.Millisecond, time.Second))
}

// loseAnswers lets requests through. What was lost is never sent again, so that the
// connections end with it.
func loseAnswers(ctx context.Context, c *cluster) {
	p := c.someSlot().proxy
	p.set(func() { p.muted = true })
	pause(ctx, c.between(50*time.Millisecond, 1500*time.Millisecond))
	p.cutSilently(c.t)
	p.mend()
}

// holdSnapshot keeps a session open that holds back vacuum, to the end of the test.
func holdSnapshot(ctx context.Context, c *cluster) {
	conn, err := connect(ctx, c.primary(), schemaName)
	if err != nil {
		return
	}
	c.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, _ = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	_, _ = conn.Exec(ctx, "SELECT count(*) FROM objects")
}

// trimHistory makes most of history old enough for the engines to forget it, and waits
// until one has.
func trimHistory(ctx context.Context, c *cluster) {
	upTo := c.ref.at() - 20
	c.exec(ctx, "UPDATE events SET at = now() - interval '1 hour' WHERE rv <= $1", upTo)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for ctx.Err() == nil && c.ref.forgotten() < upTo {
		pause(ctx, 10*time.Millisecond)
	}
}

func compactHistory(_ context.Context, c *cluster) {
	c.someSlot().process().call(request{Verb: compact, Revision: c.ref.at() - 5})
}
