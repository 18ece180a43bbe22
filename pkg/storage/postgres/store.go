// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
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

// minTTL is what a shorter time to live is rounded up to, as etcd does with its
// leases: an object must outlive the requests around its creation.
const minTTL = 2 * time.Second

// maxTTL is what a longer one is cut to: more seconds do not fit a time.Duration.
const maxTTL = math.MaxInt64 / time.Second

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
