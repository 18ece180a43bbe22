// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"k8s.io/klog/v2"
)

const (
	// writers is how many sessions take turns at the write lock: while one commits,
	// the other's batch already waits at the server.
	writers = 2
	// batchTimeout bounds one trip of a batch: the wait for the lock and the
	// statement each have sessionTimeout.
	batchTimeout = 2*sessionTimeout + time.Second
	// settleTimeout bounds the search for the outcome of a batch whose connection was lost.
	settleTimeout = 10 * time.Second
	// maxReturnedBytes bounds the current values that come back with refused
	// operations; a result that outgrows the socket's buffers would be sent under the
	// write lock. The rest are read again.
	maxReturnedBytes = 256 << 10

	retryPause = 50 * time.Millisecond
)

const lockSQL = "SELECT pg_advisory_xact_lock($1)"

// replicateSQL commits something that nobody reads.
const replicateSQL = "SELECT pg_logical_emit_message(true, 'kite', '')"

// write queues op and waits for its outcome.
func (e *Engine) write(ctx context.Context, op *operation) (outcome, error) {
	if len(op.value) > maxValueBytes {
		return outcome{}, tooLarge(len(op.value))
	}
	op.queuedAt = e.cfg.Clock.Now()
	op.done = make(chan outcome, 1)
	if err := e.queue.add(op); err != nil {
		return outcome{}, err
	}
	select {
	case o := <-op.done:
		return o, apiError(ctx, o.err)
	case <-ctx.Done():
	case <-e.stopped:
	}
	if e.queue.cancel(op) {
		return outcome{}, apiError(ctx, errors.New("the write was given up before it reached the database"))
	}
	return outcome{}, apiError(ctx, errUnsettled)
}

// writeLoop is one writer. It ends with ctx.
func (e *Engine) writeLoop(ctx context.Context) {
	for {
		batch := e.queue.take(ctx)
		if batch == nil {
			return
		}
		e.writeBatch(ctx, batch)
	}
}

// writeBatch carries a batch through to its outcomes, in one trip unless something
// goes wrong: bad data splits it, a lost connection is settled, and a batch that did
// not happen goes back into the queue until its operations have waited too long.
func (e *Engine) writeBatch(ctx context.Context, batch []*operation) {
	outcomes, err := e.tryBatch(ctx, batch)
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		e.publish(batch, outcomes)
		e.queue.finish(batch, outcomes)
		e.hint()
	case errors.As(err, &pgErr) && isBadData(pgErr.Code) && len(batch) > 1:
		half := len(batch) / 2
		e.writeBatch(ctx, batch[:half])
		e.writeBatch(ctx, batch[half:])
	case errors.Is(err, errRetry):
		e.retry(ctx, batch, err)
	default:
		e.queue.finish(batch, failed(batch, err))
	}
}

// errRetry wraps the reason why a batch provably did not happen.
var errRetry = errors.New("not written")

func (e *Engine) retry(ctx context.Context, batch []*operation, err error) {
	var fresh, expired []*operation
	for _, op := range batch {
		if e.cfg.Clock.Since(op.queuedAt) < acquireTimeout {
			fresh = append(fresh, op)
			continue
		}
		expired = append(expired, op)
	}
	e.queue.finish(expired, failed(expired, err))
	select {
	case <-ctx.Done():
	case <-e.cfg.Clock.After(retryPause):
	}
	if len(fresh) > 0 {
		e.queue.requeue(fresh)
	}
}

func failed(batch []*operation, err error) []outcome {
	outcomes := make([]outcome, len(batch))
	for i := range outcomes {
		outcomes[i].err = err
	}
	return outcomes
}

// tryBatch sends a batch once.
func (e *Engine) tryBatch(ctx context.Context, batch []*operation) ([]outcome, error) {
	// The batch's callers each have their own deadline; none of them ends the others'.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	conn, err := e.writerPool.Acquire(ctx)
	if err != nil {
		return nil, errors.Join(errRetry, err)
	}
	defer conn.Release()

	id := uuid.New()
	floor := e.feed.position()
	started := e.cfg.Clock.Now()
	outcomes, err := e.sendBatch(ctx, conn, id, batch)
	observeBatch(len(batch), e.cfg.Clock.Since(started), err)
	if err == nil || isCertain(err) {
		return outcomes, err
	}
	if pgconn.SafeToRetry(err) {
		return nil, errors.Join(errRetry, err) // nothing was sent
	}
	klog.FromContext(ctx).Info("Lost a connection during a write; looking for its outcome", "batch", id, "operations", len(batch), "err", err)
	return observeSettled(e.settle(context.WithoutCancel(ctx), conn.Conn(), id, floor, batch))
}

// isCertain tells an error after which nothing of the batch can have been committed:
// the server said ERROR. FATAL and a broken connection leave it open.
func isCertain(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR"
}

// sendBatch makes one round trip: with one Sync at its end the statements are one
// transaction, and each of them takes a snapshot of its own.
func (e *Engine) sendBatch(ctx context.Context, conn *pgxpool.Conn, id uuid.UUID, batch []*operation) ([]outcome, error) {
	outcomes := make([]outcome, len(batch))
	var statements pgx.Batch
	statements.Queue(lockSQL, e.lockKey)
	statements.Queue(writeSQL, writeArguments(id, batch)...).Query(func(rows pgx.Rows) error {
		return scanOutcomes(rows, batch, outcomes)
	})
	e.queueProjections(&statements, id, batch)
	if err := conn.SendBatch(ctx, &statements).Close(); err != nil {
		return nil, err
	}
	return outcomes, nil
}

func writeArguments(id uuid.UUID, batch []*operation) []any {
	n := len(batch)
	ordinals, ops, keys, expects := make([]int32, n), make([]string, n), make([]string, n), make([]int64, n)
	values, claims, ttls := make([][]byte, n), make([][]byte, n), make([]*float64, n)
	folders, rooms := make([]string, n), make([]*int64, n)
	for i, op := range batch {
		ordinals[i], ops[i], keys[i], expects[i] = int32(i), "P", op.key, op.expect
		values[i], claims[i], folders[i] = op.value, op.claim, op.folder()
		if op.delete {
			ops[i] = "D"
		}
		if op.ttl > 0 {
			seconds := op.ttl.Seconds()
			ttls[i] = &seconds
		}
		if op.room > 0 {
			rooms[i] = &op.room
		}
	}
	return []any{ordinals, ops, keys, expects, values, claims, ttls, id, int64(maxReturnedBytes), folders, rooms}
}

func scanOutcomes(rows pgx.Rows, batch []*operation, outcomes []outcome) error {
	for rows.Next() {
		var i int
		var rev, held *int64
		var holder *string
		var current version
		if err := rows.Scan(&i, &rev, &current.rev, &holder, &held, &current.value); err != nil {
			return err
		}
		o := &outcomes[i]
		switch {
		case rev != nil:
			o.rev = *rev
		case current.rev == batch[i].expect && holder != nil:
			o.holder = *holder
		case held != nil:
			o.full, o.held = true, *held
		default:
			o.current, o.known = current, !current.exists() || current.value != nil
		}
	}
	return rows.Err()
}

// settle finds out what became of a batch whose connection broke.
func (e *Engine) settle(ctx context.Context, lost *pgx.Conn, id uuid.UUID, floor int64, batch []*operation) ([]outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		outcomes, err := e.trySettle(ctx, lost, id, floor, batch)
		if err == nil || errors.Is(err, errRetry) {
			return outcomes, err
		}
		select {
		case <-ctx.Done():
			return nil, errUnsettled
		case <-e.cfg.Clock.After(retryPause):
		}
	}
}

// trySettle ends the old backend first, which may still be waiting for the lock and
// commit later; only then does the absence of the batch's events prove that it did not
// happen. Their presence proves less: a backend that is ended while it waits for a
// synchronous standby has committed here and nowhere else.
func (e *Engine) trySettle(ctx context.Context, lost *pgx.Conn, id uuid.UUID, floor int64, batch []*operation) ([]outcome, error) {
	if gone, err := e.endBackend(ctx, lost); err != nil || !gone {
		return nil, errors.Join(errUnsettled, err)
	}
	outcomes, err := e.readBatch(ctx, id, floor, batch)
	if err != nil {
		return nil, err
	}
	// A standby that has this commit has all earlier ones.
	if _, err := e.feedPool.Exec(ctx, replicateSQL); err != nil {
		return nil, errors.Join(errUnsettled, err)
	}
	return outcomes, nil
}

func (e *Engine) endBackend(ctx context.Context, lost *pgx.Conn) (gone bool, err error) {
	const sql = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2`
	alive := 0
	err = e.feedPool.QueryRow(ctx, sql, lost.PgConn().PID(), lost.PgConn().CustomData()[backendStart]).Scan(&alive)
	return alive == 0, err
}

func (e *Engine) readBatch(ctx context.Context, id uuid.UUID, floor int64, batch []*operation) ([]outcome, error) {
	rows, err := e.feedPool.Query(ctx, settleSQL, floor, id)
	if err != nil {
		return nil, errUnsettled
	}
	revs := map[string]int64{}
	var rev int64
	var key string
	if _, err := pgx.ForEachRow(rows, []any{&rev, &key}, func() error { revs[key] = rev; return nil }); err != nil {
		return nil, errUnsettled
	}
	if len(revs) == 0 {
		return nil, fmt.Errorf("%w: the connection was lost before the commit", errRetry)
	}
	outcomes := make([]outcome, len(batch))
	for i, op := range batch {
		outcomes[i].rev = revs[op.key] // absent: refused, and the caller reads again why
	}
	return outcomes, nil
}
