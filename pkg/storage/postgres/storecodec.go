// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
)

func (s *Store) fromStorage(ctx context.Context, key string, stored []byte) ([]byte, bool, error) {
	return s.Transformer.TransformFromStorage(ctx, stored, authenticatedKey(key))
}

// readBack decodes what is about to be written into a new object of like's type. Bytes
// that cannot be read again would break every list and watch that meets them, so they
// are refused.
func (s *Store) readBack(data []byte, like runtime.Object) (runtime.Object, error) {
	written, err := newLike(like)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.Codec.Decode(data, nil, written); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object could not be read again if it were stored: %v", err))
	}
	return written, nil
}

// answer makes out what was written, with its revision.
func (s *Store) answer(written, out runtime.Object, rev int64) error {
	if err := s.versioner.UpdateObject(written, uint64(rev)); err != nil { //nolint:gosec // a revision
		return fmt.Errorf("set resource version: %w", err)
	}
	reflect.ValueOf(out).Elem().Set(reflect.ValueOf(written).Elem())
	return nil
}

// decode reads an object into out and gives it its revision; its error is a
// CorruptObjectError.
func (s *Store) decode(data []byte, out runtime.Object, rev int64) error {
	if _, _, err := s.Codec.Decode(data, nil, out); err != nil {
		return &CorruptObjectError{Err: err}
	}
	if err := s.versioner.UpdateObject(out, uint64(rev)); err != nil { //nolint:gosec // a revision
		return fmt.Errorf("set resource version: %w", err)
	}
	return nil
}
