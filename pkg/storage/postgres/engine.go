// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/klog/v2"
)

// backendStart is the key under which a writer's connection remembers when its server
// process started: together with the process id that names it for ever.
const backendStart = "kite.backend_start"

// feedSessions is how many sessions feedPool has: the feed's, and one for the rest.
const feedSessions = 2

// Engine is one process's access to one schema: it groups writes, follows the change
// feed, expires objects and trims history. It knows keys and bytes only. Several
// engines, in as many processes, may work on one schema.
type Engine struct {
	cfg     Config
	lockKey int64
	channel string

	pool       *pgxpool.Pool // reads
	writerPool *pgxpool.Pool // the sessions that take the write lock
	feedPool   *pgxpool.Pool // the feed, hints and lost batches, which no slow read may hold up

	queue *queue
	feed  *feed
	hints chan struct{}

	// known is the newest revision that this process has heard of.
	known atomic.Int64

	projectors []*projector
	storesMu   sync.Mutex
	stores     []*Store // whose rows are mended
	asks       sharedRead
	reads      groupReads
	lists      listTurns

	cancel  context.CancelFunc
	stopped chan struct{} // closed when Close begins
	running sync.WaitGroup
	closing sync.Once
}

// Open starts an engine. A database that cannot be reached does not fail it: the
// engine connects when it can, and answers 503 until then. One that answers with the
// wrong schema version does. The engine works until Close.
func Open(ctx context.Context, cfg Config, projections ...*Projection) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg:        cfg,
		lockKey:    lockKey(cfg.Schema),
		channel:    fmt.Sprintf("kite_%016x", uint64(lockKey(cfg.Schema))), //nolint:gosec // a name of its bits
		queue:      newQueue(cfg.Clock),
		hints:      make(chan struct{}, 1),
		projectors: newProjectors(projections),
		lists:      newListTurns(cfg.MaxConnections),
		stopped:    make(chan struct{}),
	}
	e.feed, e.reads.read = newFeed(e), e.readKeys
	if err := e.connect(ctx); err != nil {
		e.closePools()
		return nil, err
	}
	if err := e.Ping(ctx); err != nil && isFinal(err) {
		e.closePools()
		return nil, err
	} else if err != nil {
		klog.FromContext(ctx).Error(redact(err), "PostgreSQL is not available yet; requests get 503 until it is")
	}
	e.start(ctx)
	engineMetrics.show(e)
	return e, nil
}

func (e *Engine) connect(ctx context.Context) error {
	readers, err := e.cfg.poolConfig(e.prepare)
	if err != nil {
		return err
	}
	writing, err := e.cfg.poolConfig(e.prepareWriter)
	if err != nil {
		return err
	}
	if writing.ConnConfig, err = e.cfg.writerConfig(); err != nil {
		return err
	}
	writing.MaxConns = writers
	feeding, err := e.cfg.poolConfig(e.prepare)
	if err != nil {
		return err
	}
	feeding.MaxConns = feedSessions
	// The pools dial with the context of the request that needs a connection.
	ctx = context.WithoutCancel(ctx)
	if e.pool, err = pgxpool.NewWithConfig(ctx, readers); err != nil {
		return redact(err)
	}
	if e.writerPool, err = pgxpool.NewWithConfig(ctx, writing); err != nil {
		return redact(err)
	}
	if e.feedPool, err = pgxpool.NewWithConfig(ctx, feeding); err != nil {
		return redact(err)
	}
	return nil
}

// isFinal tells what no waiting mends: the wrong schema version, and a login or a
// database that the server refuses.
func isFinal(err error) bool {
	if _, ok := errors.AsType[*SchemaVersionError](err); ok {
		return true
	}
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code[:2] == "28" || pgErr.Code[:2] == "3D")
}

// prepare checks every new connection before it serves anything.
func (e *Engine) prepare(ctx context.Context, conn *pgx.Conn) error {
	if err := checkSchemaVersion(ctx, conn, e.cfg.Schema); err != nil {
		return err
	}
	return e.checkIdentity(ctx, conn)
}

func (e *Engine) prepareWriter(ctx context.Context, conn *pgx.Conn) error {
	var started time.Time
	const sql = "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
	if err := conn.QueryRow(ctx, sql).Scan(&started); err != nil {
		return fmt.Errorf("read the start of the session: %w", err)
	}
	conn.PgConn().CustomData()[backendStart] = started
	return e.prepare(ctx, conn)
}

func (e *Engine) start(ctx context.Context) {
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for range writers {
		e.running.Go(func() { e.writeLoop(ctx) })
	}
	e.running.Go(func() { e.feed.run(ctx) })
	e.running.Go(func() { e.sendHints(ctx) })
	e.running.Go(func() { e.listen(ctx) })
	e.running.Go(func() { e.sweep(ctx) })
	e.running.Go(func() { e.trim(ctx) })
	e.running.Go(func() { e.completeProjections(ctx) })
	e.running.Go(func() { e.mendProjections(ctx) })
	e.running.Go(func() { e.recountClaims(ctx) })
}

// Close ends the engine's work and connections. Writes that wait are answered with an
// error; watches must have ended before. A second call does nothing.
func (e *Engine) Close() {
	e.closing.Do(func() {
		engineMetrics.hide(e)
		close(e.stopped)
		e.cancel()
		e.running.Wait()
		e.closePools()
	})
}

func (e *Engine) closePools() {
	for _, pool := range []*pgxpool.Pool{e.writerPool, e.feedPool, e.pool} {
		if pool != nil {
			pool.Close()
		}
	}
}

// Ping tells whether the database answers and has the schema that this program needs.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	return e.pool.Ping(ctx)
}

// acquire waits for a connection to read with, but not for long: a caller is better
// told that the database is unavailable.
func (e *Engine) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waitCtx, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := e.pool.Acquire(waitCtx)
	if err != nil {
		return nil, apiError(ctx, err)
	}
	return conn, nil
}

// revisions reads the newest revision and compact_rv.
func revisions(ctx context.Context, pool *pgxpool.Pool) (newest, compacted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = pool.QueryRow(ctx, revisionsSQL).Scan(&newest, &compacted)
	if err != nil {
		return 0, 0, fmt.Errorf("read revisions: %w", err)
	}
	return newest, compacted, nil
}

// get reads one object and the newest revision.
func (e *Engine) get(ctx context.Context, key string) (version, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	v, newest, err := e.reads.do(ctx, key)
	e.learn(newest)
	return v, newest, apiError(ctx, err)
}

// ClaimHolder returns the key of the object that holds a claim, "" when none does.
func (e *Engine) ClaimHolder(ctx context.Context, claim []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	conn, err := e.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	key := ""
	err = conn.QueryRow(ctx, claimSQL, claim).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", apiError(ctx, fmt.Errorf("look up a claim: %w", err))
	}
	return key, nil
}

// ClaimsHeld returns how many objects of the folder of a key hold a claim.
func (e *Engine) ClaimsHeld(ctx context.Context, key string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	conn, err := e.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	held := int64(0)
	if err := conn.QueryRow(ctx, heldSQL, folderOf(key)).Scan(&held); err != nil {
		return 0, apiError(ctx, fmt.Errorf("look up the number of claims: %w", err))
	}
	return held, nil
}

// lockKey is the schema's write lock. The namespace of advisory locks is the
// database, so the schema's name is enough.
func lockKey(schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("kite write lock of schema " + schema))
	return int64(h.Sum64()) //nolint:gosec // any 64 bits will do
}
