// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// minTTL is what a shorter time to live is rounded up to, as etcd does with its
// leases: an object must outlive the requests around its creation.
const minTTL = 2 * time.Second

// maxTTL is what a longer one is cut to: more seconds do not fit a time.Duration.
const maxTTL = math.MaxInt64 / time.Second

// prepare makes the write of an object, as putOperation does, and what is read again
// after it.
func (s *Store) prepare(
	ctx context.Context, key string, obj runtime.Object, data []byte, ttl uint64,
) (written runtime.Object, op *operation, err error) {
	if written, err = s.readBack(data, obj); err != nil {
		return nil, nil, err
	}
	op, err = s.putOperation(ctx, key, obj, data, ttl)
	return written, op, err
}

// putOperation makes the write of an object that must not exist; an update sets expect
// and held.
func (s *Store) putOperation(ctx context.Context, key string, obj runtime.Object, data []byte, ttl uint64) (*operation, error) {
	stored, err := s.Transformer.TransformToStorage(ctx, data, authenticatedKey(key))
	if err != nil {
		return nil, storage.NewInternalError(err)
	}
	op := &operation{key: key, value: stored, claim: s.claim(obj), room: s.MaxClaims}
	if ttl > 0 {
		op.ttl = max(minTTL, time.Duration(min(ttl, uint64(maxTTL)))*time.Second)
	}
	if s.Projection != nil && bytes.Equal(stored, data) {
		s.project(op, obj) // what is encrypted is not repeated in the clear
	}
	return op, nil
}

// project makes an operation write what is repeated of an object elsewhere. The row of
// an entry that is not complete says that it knows nothing, and so both are made again.
func (s *Store) project(op *operation, obj runtime.Object) {
	entry, complete := s.Projection.Journal.entry(obj)
	op.row, op.entry = s.Projection.Row(obj), entry
	if complete {
		op.shape = s.Projection.shape()
	}
}

// entryOf is what the journal says of an object that is stored in the clear.
func (s *Store) entryOf(st *state) []string {
	if st.hidden() {
		return nil
	}
	entry, _ := s.Projection.journal().entry(st.obj)
	return entry
}

// lastEntry is what the journal is to say of an object that is deleted.
func (s *Store) lastEntry(st *state) []string {
	if st.hidden() {
		return nil
	}
	return s.Projection.journal().removed(st.obj, s.engine.cfg.Clock.Now())
}

func (s *Store) claim(obj runtime.Object) []byte {
	if s.Claim == nil || obj == nil {
		return nil
	}
	return s.Claim(obj)
}

// writeClaim writes op, and makes an error of a claim that the database refused.
func (s *Store) writeClaim(ctx context.Context, op *operation, obj runtime.Object) (outcome, error) {
	o, err := s.engine.write(ctx, op)
	if err != nil {
		return o, err
	}
	return o, s.refused(obj, o)
}

// refused is the error for a write whose claim the database refused.
func (s *Store) refused(obj runtime.Object, o outcome) error {
	switch {
	case o.holder != "":
		refusals.WithLabelValues("claim").Inc()
		return s.ClaimRefused(obj, o.holder)
	case o.full:
		refusals.WithLabelValues("room").Inc()
		return s.ClaimsExceeded(obj, o.held)
	default:
		return nil
	}
}
