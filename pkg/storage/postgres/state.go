// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// state is an object as an update or a deletion finds it.
type state struct {
	obj  runtime.Object
	rev  int64
	data []byte
	// stored is data as it is stored; nil when a cache suggested the object.
	stored []byte
	// stale says that the value must be written although the object is equal, because
	// the transformer wants it in another form.
	stale bool
	// current says that the database said so, not a cache.
	current bool
}

// hidden says that the object is stored encrypted, or that it cannot be read. Of what a
// cache suggested that is not known.
func (st *state) hidden() bool {
	return st.obj == nil || st.stored != nil && !bytes.Equal(st.stored, st.data)
}

// said is what is to be written of an entry that follows another: nothing when the
// journal says it already. It does not when the object was encrypted.
func (st *state) said(before, after []string) []string {
	if !st.stale && slices.Equal(before, after) {
		return nil
	}
	return after
}

// loader reads the newest state of one key.
type loader struct {
	store *Store
	key   string
	// out has the object's type.
	out            runtime.Object
	ignoreNotFound bool
	// wantCorrupt turns success and failure round: only an object that cannot be
	// transformed or decoded is a state, and its obj is nil.
	wantCorrupt bool
}

func (s *Store) newLoader(key string, out runtime.Object) (*loader, error) {
	if _, err := newLike(out); err != nil {
		return nil, err
	}
	return &loader{store: s, key: key, out: out}, nil
}

func (l *loader) load(ctx context.Context) (*state, error) {
	v, _, err := l.store.engine.get(ctx, l.key)
	if err != nil {
		return nil, err
	}
	return l.fromVersion(ctx, v)
}

// afterRefusal is the state that an outcome tells, read again if it does not.
func (l *loader) afterRefusal(ctx context.Context, o outcome) (*state, error) {
	refusals.WithLabelValues("revision").Inc()
	if !o.known {
		return l.load(ctx)
	}
	return l.fromVersion(ctx, o.current)
}

func (l *loader) fromVersion(ctx context.Context, v version) (*state, error) {
	obj, err := newLike(l.out)
	if err != nil {
		return nil, err
	}
	st := &state{rev: v.rev, current: true, obj: obj}
	if !v.exists() {
		if !l.ignoreNotFound {
			return nil, storage.NewKeyNotFoundError(l.key, 0)
		}
		return st, runtime.SetZeroValue(st.obj)
	}
	data, stale, err := l.store.fromStorage(ctx, l.key, v.value)
	if err != nil {
		if !l.wantCorrupt {
			return nil, storage.NewInternalError(err)
		}
		return &state{rev: v.rev, current: true, stale: true}, nil
	}
	st.data, st.stored, st.stale = data, v.value, stale
	if err := l.store.decode(data, st.obj, v.rev); err != nil {
		if !l.wantCorrupt {
			return nil, err
		}
		st.obj = nil
		return st, nil
	}
	if l.wantCorrupt {
		return nil, storage.NewInvalidObjError(l.key, "unsafe deletion is not allowed because the object is decodable from storage")
	}
	return st, nil
}

// newLike makes an empty object of the type that out points to.
func newLike(out runtime.Object) (runtime.Object, error) {
	if u, ok := out.(runtime.Unstructured); ok {
		return u.NewEmptyInstance(), nil
	}
	typ, err := conversion.EnforcePtr(out)
	if err != nil {
		return nil, fmt.Errorf("want a pointer to an object: %w", err)
	}
	return reflect.New(typ.Type()).Interface().(runtime.Object), nil //nolint:forcetypeassert // the type of an Object
}

// fromObject is the state that a cache suggests. Its bytes are the object's, encoded
// anew without the resource version, which is not stored.
func (l *loader) fromObject(obj runtime.Object) (*state, error) {
	rv, err := l.store.versioner.ObjectResourceVersion(obj)
	if err != nil {
		return nil, fmt.Errorf("read resource version: %w", err)
	}
	if err := l.store.versioner.PrepareObjectForStorage(obj); err != nil {
		return nil, fmt.Errorf("prepare object for storage: %w", err)
	}
	data, err := runtime.Encode(l.store.Codec, obj)
	if err != nil {
		return nil, err
	}
	if err := l.store.versioner.UpdateObject(obj, rv); err != nil {
		return nil, fmt.Errorf("set resource version: %w", err)
	}
	return &state{obj: obj, rev: int64(rv), data: data}, nil //nolint:gosec // a revision
}

// first is the state to start with: the suggestion, or else what the change feed
// remembers of the key; both may be old. Only without them it is read.
func (l *loader) first(ctx context.Context, suggestion runtime.Object) (*state, error) {
	if l.wantCorrupt {
		return l.load(ctx)
	}
	if suggestion != nil {
		return l.fromObject(suggestion)
	}
	if v, ok := l.store.engine.recent(l.key); ok {
		if st, err := l.fromVersion(ctx, v); err == nil {
			st.current = false
			return st, nil
		}
	}
	return l.load(ctx)
}

// recheck deals with a refusal by a caller's function. A verdict on the newest state
// stands; one on a suggestion stands only if the suggestion turns out to be the newest.
func (l *loader) recheck(ctx context.Context, st *state, verdict error) (*state, error) {
	if st.current {
		return nil, verdict
	}
	newest, err := l.load(ctx)
	if err != nil {
		return nil, err
	}
	if newest.rev == st.rev {
		return nil, verdict
	}
	return newest, nil
}
