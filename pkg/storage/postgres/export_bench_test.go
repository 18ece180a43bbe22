// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/runtime"
)

// RawSessions is how many sessions DriveRaw writes with: as many as an engine.
const RawSessions = writers

// RawPut is one write of a benchmark that drives the SQL without a Store.
type RawPut struct {
	Key    string
	Expect int64
	Value  []byte
	Claim  []byte
	Row    []string
	Shape  int16
	Entry  []string
}

// Project adds what storage repeats of an object elsewhere, before being nil for a new one.
func (p *RawPut) Project(projection *Projection, before, obj runtime.Object) {
	p.Row, p.Shape = projection.Row(obj), projection.shape()
	was, _ := projection.Journal.entry(before)
	if entry, _ := projection.Journal.entry(obj); !slices.Equal(was, entry) {
		p.Entry = entry
	}
}

// Halt ends the engine's own work, its writers and feed among it, and leaves its
// connections to DriveRaw.
func (e *Engine) Halt() {
	e.cancel()
	e.running.Wait()
}

// DriveRaw sends n operations, which put makes, in batches of the given size: the
// statements of group commit without queue, codecs and feed. It calls wrote with each
// one's revision. The sessions take turns, so one of them has the operations
// [k*size, (k+1)*size) of every even k, and the other those of every odd k.
func (e *Engine) DriveRaw(ctx context.Context, n, size int, put func(i int) RawPut, wrote func(i int, rev int64)) error {
	var sessions sync.WaitGroup
	errs := make([]error, RawSessions)
	for s := range RawSessions {
		sessions.Go(func() { errs[s] = e.driveSession(ctx, s*size, n, size, put, wrote) })
	}
	sessions.Wait()
	return errors.Join(errs...)
}

func (e *Engine) driveSession(ctx context.Context, first, n, size int, put func(int) RawPut, wrote func(int, int64)) error {
	conn, err := e.writerPool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for ; first < n; first += RawSessions * size {
		batch := make([]*operation, 0, size)
		for i := first; i < min(first+size, n); i++ {
			p := put(i)
			batch = append(batch, &operation{key: p.Key, expect: p.Expect, value: p.Value, claim: p.Claim, row: p.Row, shape: p.Shape, entry: p.Entry})
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
	return nil
}
