// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"k8s.io/klog/v2"
)

const (
	// hintPause coalesces hints: NOTIFY takes a lock of the whole database at commit.
	hintPause = 2 * time.Millisecond
	// listenPause is the wait before LISTEN is tried again on a new connection.
	listenPause = time.Second
)

// hint tells the other processes that there is something to read, soon and at most
// once at a time. It may get lost; they poll as well.
func (e *Engine) hint() {
	select {
	case e.hints <- struct{}{}:
	default:
	}
}

// sendHints sends after the commit and on a connection of its own, so that the write
// lock is never held while NOTIFY waits for its lock.
func (e *Engine) sendHints(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.hints:
		}
		sendCtx, cancel := context.WithTimeout(ctx, sessionTimeout)
		_, err := e.feedPool.Exec(sendCtx, "SELECT pg_notify($1, '')", e.channel)
		cancel()
		if err != nil {
			klog.FromContext(ctx).V(4).Info("No hint was sent; other replicas poll", "err", redact(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-e.cfg.Clock.After(hintPause):
		}
	}
}

// listen pokes the feed when another process sends a hint.
func (e *Engine) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := e.listenOnce(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("LISTEN has ended; polling until it works again", "err", redact(err))
		}
		select {
		case <-ctx.Done():
		case <-e.cfg.Clock.After(listenPause):
		}
	}
}

func (e *Engine) listenOnce(ctx context.Context) error {
	cfg, err := e.cfg.connConfig()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{e.channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	e.feed.poke()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		e.feed.poke()
	}
}
