// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// reference follows the events table by itself, past all engines and proxies. It takes
// only what no later change can touch, the rows and their undo images, and works out
// the values after each change when all is over.
type reference struct {
	schema string
	server func() *postgresServer
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex
	events    []change
	position  int64
	compacted int64
	holes     []string
	conn      *pgx.Conn
}

const tableSQL = "SELECT rv, prev_rv, op::text, key, coalesce(prev_value, ''), (SELECT compact_rv FROM meta) FROM events WHERE rv > $1 ORDER BY rv LIMIT 5000"

// startReference follows whatever server returns, from the oldest row on.
func startReference(t testing.TB, schema string, server func() *postgresServer) *reference {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &reference{schema: schema, server: server, cancel: cancel, done: make(chan struct{})}
	go r.run(ctx)
	t.Cleanup(r.stop)
	return r
}

func (r *reference) stop() {
	r.cancel()
	<-r.done
}

// run polls until ctx ends. A server that is away is waited for.
func (r *reference) run(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		if more, err := r.poll(ctx); err != nil || !more {
			pause(ctx, 10*time.Millisecond)
		}
	}
	if r.conn != nil {
		_ = r.conn.Close(context.Background())
	}
}

func (r *reference) poll(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if r.conn == nil || r.conn.IsClosed() {
		if r.conn, err = connect(ctx, r.server(), r.schema); err != nil {
			return false, err
		}
	}
	read, compacted, err := readChanges(ctx, r.conn, r.at())
	if err != nil {
		return false, err
	}
	r.add(read, compacted)
	return len(read) > 0, nil
}

func connect(ctx context.Context, s *postgresServer, schema string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(s.dsn("kite", "kite"))
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["search_path"] = schema
	return pgx.ConnectConfig(ctx, cfg)
}

func readChanges(ctx context.Context, conn *pgx.Conn, after int64) (read []change, compacted int64, err error) {
	rows, err := conn.Query(ctx, tableSQL, after)
	if err != nil {
		return nil, 0, err
	}
	var c change
	var op, key string
	var before []byte
	_, err = pgx.ForEachRow(rows, []any{&c.Revision, &c.Prev, &op, &key, &before, &compacted}, func() error {
		next := c
		next.Deleted, next.Void = op == "D", op == "N"
		if !next.Void {
			next.Key = key[len(prefix):]
		}
		next.Before, err = valueIn(before)
		read = append(read, next)
		return err
	})
	return read, compacted, err
}

// valueIn finds a write's value in stored bytes.
func valueIn(stored []byte) (string, error) {
	if len(stored) == 0 {
		return "", nil
	}
	var pod struct {
		Metadata struct{ Labels map[string]string }
	}
	if err := json.Unmarshal(stored, &pod); err != nil {
		return "", fmt.Errorf("read a stored pod: %w", err)
	}
	return pod.Metadata.Labels[valueLabel], nil
}

func (r *reference) add(read []change, compacted int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compacted = max(r.compacted, compacted)
	for _, c := range read {
		if jumped := c.Void && c.Revision <= r.compacted; c.Revision != r.position+1 && !jumped {
			r.holes = append(r.holes, fmt.Sprintf("revision %d follows %d", c.Revision, r.position))
		}
		r.events = append(r.events, c)
		r.position = c.Revision
	}
}

// at is the revision up to which the reference has read.
func (r *reference) at() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.position
}

// forgotten is the revision below which history was given up.
func (r *reference) forgotten() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.compacted
}

// requireGapless waits for a revision, and wants all before it.
func (r *reference) requireGapless(t testing.TB, upTo int64) {
	t.Helper()
	require.Eventually(t, func() bool { return r.at() >= upTo }, patience, time.Millisecond, "no event %d", upTo)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.holes, "revisions have holes")
}

// finish waits until everything was read and completes what was. Nothing may be written
// any more.
func (r *reference) finish(t testing.TB) (events []change, compacted int64) {
	t.Helper()
	conn, err := connect(t.Context(), r.server(), r.schema)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var newest int64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT max(rv) FROM events").Scan(&newest))
	r.requireGapless(t, newest)

	r.mu.Lock()
	defer r.mu.Unlock()
	rows, err := conn.Query(t.Context(), "SELECT key, mod_rv, value FROM objects")
	require.NoError(t, err)
	stored := map[string]item{}
	var i item
	var value []byte
	_, err = pgx.ForEachRow(rows, []any{&i.Key, &i.Revision, &value}, func() error {
		i.Key = i.Key[len(prefix):]
		i.Value, err = valueIn(value)
		stored[i.Key] = i
		return err
	})
	require.NoError(t, err)
	require.Empty(t, complete(r.events, stored), "the table contradicts itself")
	return r.events, r.compacted
}

// complete fills in the value after each change: the value before the key's next one,
// or what is stored. It returns what does not fit together.
func complete(events []change, stored map[string]item) (wrong []string) {
	next := maps.Clone(stored) // what the key's next change says about the one before
	for i := len(events) - 1; i >= 0; i-- {
		c := &events[i]
		if c.Void {
			continue
		}
		after, known := next[c.Key]
		switch {
		case c.Deleted && known && after.Revision != 0:
			wrong = append(wrong, fmt.Sprintf("%s was deleted at %d; later it has revision %d", c.Key, c.Revision, after.Revision))
		case !c.Deleted && after.Revision != c.Revision:
			wrong = append(wrong, fmt.Sprintf("%s was written at %d; its next change replaced %d", c.Key, c.Revision, after.Revision))
		}
		c.Value = after.Value
		if c.Deleted {
			c.Value = c.Before
		}
		next[c.Key] = item{Key: c.Key, Revision: c.Prev, Value: c.Before}
	}
	return wrong
}
