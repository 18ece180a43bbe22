// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value"
)

// StoreConfig describes one resource to a Store.
type StoreConfig struct {
	GroupResource schema.GroupResource
	// Prefix is the resource's part of the key space, such as /issues.kite.dev/issues.
	Prefix      string
	Codec       runtime.Codec
	Transformer value.Transformer
	NewFunc     func() runtime.Object
	NewListFunc func() runtime.Object

	// Claim returns what the object claims, nil for nothing: at most one object of
	// the schema holds a claim. Optional.
	Claim func(runtime.Object) []byte
	// ClaimRefused makes the error for a write whose claim the object at holderKey
	// holds. Required with Claim.
	ClaimRefused func(obj runtime.Object, holderKey string) error
	// MaxClaims is how many objects of one folder, the key up to its last slash, may hold
	// a claim: a write that would make it more is refused. Defaults to any number.
	MaxClaims int64
	// ClaimsExceeded makes the error for a write in whose folder held objects hold a
	// claim. Required with MaxClaims.
	ClaimsExceeded func(obj runtime.Object, held int64) error

	// Projection speeds selectors up. Optional.
	Projection *Projection

	// GetAttrs returns what selectors look at, the same as each watch's own predicate
	// does, so that it is read once for all watches. Optional.
	GetAttrs storage.AttrFunc

	// BookmarkInterval makes a watch that allows bookmarks get one that often; 0 is
	// never, which is right below a watch cache.
	BookmarkInterval time.Duration
}

// Store implements storage.Interface for one resource on an Engine.
type Store struct {
	StoreConfig
	engine    *Engine
	versioner versioner

	// incomplete remembers that the projection lacked rows when it was last looked at.
	incomplete atomic.Bool
	// pageBytes bounds one read of a list.
	pageBytes int64

	sizeWanted atomic.Bool
	stats      cachedStats
}

var _ storage.Interface = (*Store)(nil)

// NewStore returns a Store that uses the engine, which the caller closes after it.
func NewStore(engine *Engine, cfg StoreConfig) (*Store, error) {
	if !strings.HasPrefix(cfg.Prefix, "/") || len(cfg.Prefix) < 2 {
		return nil, fmt.Errorf("resource prefix %q: want a path that starts with a slash", cfg.Prefix)
	}
	s := &Store{StoreConfig: cfg, engine: engine, pageBytes: pageBytes}
	engine.mends(s)
	return s, nil
}

// authenticatedKey binds a stored value to its key.
type authenticatedKey string

// AuthenticatedData implements value.Context.
func (k authenticatedKey) AuthenticatedData() []byte { return []byte(k) }

// Versioner implements storage.Interface.
func (s *Store) Versioner() storage.Versioner { return s.versioner }

// Create implements storage.Interface.
func (s *Store) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	preparedKey, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	if rv, err := s.versioner.ObjectResourceVersion(obj); err == nil && rv != 0 {
		return storage.ErrResourceVersionSetOnCreate
	}
	if err := s.versioner.PrepareObjectForStorage(obj); err != nil {
		return fmt.Errorf("prepare object for storage: %w", err)
	}
	data, err := runtime.Encode(s.Codec, obj)
	if err != nil {
		return err
	}
	written, op, err := s.prepare(ctx, preparedKey, obj, data, ttl)
	if err != nil {
		return err
	}
	o, err := s.writeClaim(ctx, op, obj)
	for err == nil && o.unexplained() {
		o, err = s.writeClaim(ctx, op, obj)
	}
	if err != nil {
		return err
	}
	if !o.applied() {
		refusals.WithLabelValues("exists").Inc()
		return storage.NewKeyExistsError(preparedKey, 0)
	}
	if out == nil {
		return nil
	}
	return s.answer(written, out, o.rev)
}

// Get implements storage.Interface. It always answers with the newest version.
func (s *Store) Get(ctx context.Context, key string, opts storage.GetOptions, out runtime.Object) error {
	preparedKey, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	v, newest, err := s.engine.get(ctx, preparedKey)
	if err != nil {
		return err
	}
	if err := s.checkMinimum(opts.ResourceVersion, newest); err != nil {
		return err
	}
	if !v.exists() {
		if opts.IgnoreNotFound {
			return runtime.SetZeroValue(out)
		}
		return storage.NewKeyNotFoundError(preparedKey, 0)
	}
	data, _, err := s.fromStorage(ctx, preparedKey, v.value)
	if err != nil {
		return asCorruptKey(preparedKey, storage.NewInternalError(err))
	}
	return asCorruptKey(preparedKey, s.decode(data, out, v.rev))
}

// Delete implements storage.Interface. No lock is held while validateDeletion runs.
func (s *Store) Delete(
	ctx context.Context, key string, out runtime.Object, preconditions *storage.Preconditions,
	validateDeletion storage.ValidateObjectFunc, suggestion runtime.Object, opts storage.DeleteOptions,
) error {
	preparedKey, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	l, err := s.newLoader(preparedKey, out)
	if err != nil {
		return err
	}
	l.wantCorrupt = opts.ExpectTransformOrDecodeError && corruptDeletions()
	if s.Projection.journal() != nil {
		suggestion = nil // it does not tell whether it is stored in the clear
	}
	st, err := l.first(ctx, suggestion)
	for {
		if err != nil {
			return err
		}
		verdict := preconditions.Check(preparedKey, st.obj)
		if verdict == nil {
			verdict = validateDeletion(ctx, st.obj)
		}
		if verdict != nil {
			st, err = l.recheck(ctx, st, verdict)
			continue
		}
		op := &operation{delete: true, key: preparedKey, expect: st.rev, before: st.stored, held: s.claim(st.obj)}
		op.entry = s.lastEntry(st)
		o, writeErr := s.engine.write(ctx, op)
		if writeErr != nil {
			return writeErr
		}
		if !o.applied() {
			st, err = l.afterRefusal(ctx, o)
			continue
		}
		if l.wantCorrupt {
			return nil
		}
		return s.decode(st.data, out, o.rev)
	}
}

// GuaranteedUpdate implements storage.Interface. No lock is held while tryUpdate runs.
func (s *Store) GuaranteedUpdate(
	ctx context.Context, key string, destination runtime.Object, ignoreNotFound bool,
	preconditions *storage.Preconditions, tryUpdate storage.UpdateFunc, suggestion runtime.Object,
) error {
	preparedKey, err := s.prepareKey(key, false)
	if err != nil {
		return err
	}
	l, err := s.newLoader(preparedKey, destination)
	if err != nil {
		return err
	}
	l.ignoreNotFound = ignoreNotFound
	st, err := l.first(ctx, suggestion)
	for {
		if err != nil {
			return err
		}
		if verdict := preconditions.Check(preparedKey, st.obj); verdict != nil {
			if st.current {
				return verdict
			}
			st, err = l.load(ctx)
			continue
		}
		held, entry := s.claim(st.obj), s.entryOf(st) // before tryUpdate, which may change the object in place
		updated, ttl, verdict := s.runUpdate(st, tryUpdate)
		if verdict != nil {
			st, err = l.recheck(ctx, st, verdict)
			continue
		}
		data, encodeErr := runtime.Encode(s.Codec, updated)
		if encodeErr != nil {
			return encodeErr
		}
		if !st.stale && bytes.Equal(data, st.data) {
			if st.current {
				return s.decode(st.data, destination, st.rev)
			}
			// Equal to a suggestion is not yet equal to what is stored.
			if st, err = l.load(ctx); err != nil || st.stale || !bytes.Equal(data, st.data) {
				continue
			}
			return s.decode(st.data, destination, st.rev)
		}
		written, op, opErr := s.prepare(ctx, preparedKey, updated, data, ttl)
		if opErr != nil {
			return opErr
		}
		op.expect, op.before, op.held = st.rev, st.stored, held
		op.entry = st.said(entry, op.entry)
		o, writeErr := s.writeClaim(ctx, op, updated)
		if writeErr != nil {
			return writeErr
		}
		if !o.applied() {
			st, err = l.afterRefusal(ctx, o)
			continue
		}
		return s.answer(written, destination, o.rev)
	}
}

func (s *Store) runUpdate(st *state, tryUpdate storage.UpdateFunc) (runtime.Object, uint64, error) {
	updated, ttl, err := tryUpdate(st.obj, storage.ResponseMeta{ResourceVersion: uint64(st.rev)}) //nolint:gosec // a revision
	if err != nil {
		return nil, 0, err
	}
	if err := s.versioner.PrepareObjectForStorage(updated); err != nil {
		return nil, 0, fmt.Errorf("prepare object for storage: %w", err)
	}
	if ttl == nil {
		return updated, 0, nil // as etcd3 does: an update without a TTL removes it
	}
	return updated, *ttl, nil
}

func (s *Store) checkMinimum(resourceVersion string, newest int64) error {
	if resourceVersion == "" {
		return nil
	}
	minimum, err := s.versioner.ParseResourceVersion(resourceVersion)
	if err != nil {
		return err
	}
	if minimum > uint64(newest) { //nolint:gosec // a revision
		return storage.NewTooLargeResourceVersionError(minimum, uint64(newest), 0) //nolint:gosec // a revision
	}
	return nil
}

func (s *Store) prepareKey(key string, recursive bool) (string, error) {
	prepared, err := storage.PrepareKey(s.Prefix, key, recursive)
	if err != nil {
		return "", err
	}
	if strings.ContainsRune(prepared, 0) || !utf8.ValidString(prepared) {
		return "", apierrors.NewBadRequest("a name holds U+0000 or invalid UTF-8")
	}
	return prepared, nil
}

// ReadinessCheck implements storage.Interface. The database has a check of its own.
func (s *Store) ReadinessCheck() error { return nil }

// RequestWatchProgress implements storage.Interface.
func (s *Store) RequestWatchProgress(context.Context) error {
	s.engine.feed.requestProgress()
	return nil
}

// GetCurrentResourceVersion implements storage.Interface. It asks the database each
// time, and makes the feed catch up to what it said.
func (s *Store) GetCurrentResourceVersion(ctx context.Context) (uint64, error) {
	rev, err := s.engine.asks.do(ctx, func(ctx context.Context) (int64, error) {
		newest, _, err := revisions(ctx, s.engine.pool)
		return newest, err
	})
	if err != nil {
		return 0, apiError(ctx, err)
	}
	if rev <= 0 {
		return 0, errors.New("the current resource version must be greater than 0")
	}
	s.engine.learn(rev)
	s.engine.feed.poke()
	return uint64(rev), nil
}

// CompactRevision implements storage.Interface.
func (s *Store) CompactRevision() int64 { return s.engine.feed.compactRevision() }
