// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// RawPut is one write of a benchmark that drives the SQL without a Store.
type RawPut struct {
	Key    string
	Expect int64
	Value  []byte
	Claim  []byte
	Row    []string
}

// DriveRaw sends n operations, which next makes, in batches of the given size over as
// many sessions as the engine writes with: the statements of group commit without its
// queue, codecs and feed. It calls wrote with each one's revision.
func (e *Engine) DriveRaw(ctx context.Context, n, size int, next func(i int) RawPut, wrote func(i int, rev int64)) error {
	var taken atomic.Int64
	var sessions sync.WaitGroup
	errs := make(chan error, writers)
	for range writers {
		sessions.Go(func() { errs <- e.driveSession(ctx, &taken, n, size, next, wrote) })
	}
	sessions.Wait()
	close(errs)
	var failed error
	for err := range errs {
		failed = errors.Join(failed, err)
	}
	return failed
}

func (e *Engine) driveSession(ctx context.Context, taken *atomic.Int64, n, size int, next func(int) RawPut, wrote func(int, int64)) error {
	conn, err := e.writerPool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for {
		end := int(taken.Add(int64(size)))
		first, last := end-size, min(end, n)
		if first >= n {
			return nil
		}
		batch := make([]*operation, 0, size)
		for i := first; i < last; i++ {
			put := next(i)
			batch = append(batch, &operation{key: put.Key, expect: put.Expect, value: put.Value, claim: put.Claim, row: put.Row})
		}
		outcomes, err := e.sendBatch(ctx, conn, uuid.New(), batch)
		if err != nil {
			return err
		}
		for i, o := range outcomes {
			if !o.applied() {
				return fmt.Errorf("operation %d was refused", first+i)
			}
			wrote(first+i, o.rev)
		}
	}
}
