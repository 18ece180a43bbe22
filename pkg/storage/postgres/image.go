// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

// imageAge is for how long watches share an image: long enough for all that an event
// wakes, and for those that come back together. It is bounded because a table that
// was made of the object says how long ago something was.
const imageAge = 5 * time.Second

// image is a version of an object, decoded. Nobody changes it.
type image struct {
	store  *Store
	object runtime.Object
	made   time.Time

	attrsOnce sync.Once
	labels    labels.Set
	fields    fields.Set
	attrsErr  error

	// shared is what watches that share the image send; nil in an image of one watch.
	shared *cachedObject
	// bytes is an estimate of the memory that the image takes, guarded by hotImages.mu.
	bytes int
}

// newImage makes an image from stored bytes.
func (s *Store) newImage(ctx context.Context, key string, stored []byte, rev int64) (*image, error) {
	data, _, err := s.fromStorage(ctx, key, stored)
	if err != nil {
		return nil, err
	}
	obj, err := runtime.Decode(s.Codec, data)
	if err != nil {
		return nil, err
	}
	if err := s.versioner.UpdateObject(obj, uint64(rev)); err != nil { //nolint:gosec // a revision
		return nil, fmt.Errorf("set resource version: %w", err)
	}
	return &image{store: s, object: obj, made: s.engine.cfg.Clock.Now()}, nil
}

// outgoing is the image's object as an event carries it.
func (i *image) outgoing() runtime.Object {
	if i.shared != nil {
		return i.shared
	}
	return i.object
}

// matches tells whether a watch's selectors select the object. What selectors look at
// is read once for all watches, if the store says how.
func (i *image) matches(pred *storage.SelectionPredicate) bool {
	if i.store.GetAttrs == nil || pred.ShardSelector != nil {
		matches, err := pred.Matches(i.object)
		return err == nil && matches
	}
	i.attrsOnce.Do(func() { i.labels, i.fields, i.attrsErr = i.store.GetAttrs(i.object) })
	return i.attrsErr == nil && pred.MatchesObjectAttributes(i.labels, i.fields)
}

// lazyImage is one of an event's two versions, decoded when the first watch wants it.
type lazyImage struct {
	image atomic.Pointer[image]
	mu    sync.Mutex // held while decoding
}

// get returns the image that a store's watches share. An error is not kept: the next
// watch tries again.
func (l *lazyImage) get(ctx context.Context, s *Store, key string, stored []byte, rev int64) (*image, error) {
	if i := l.image.Load(); i.serves(s) {
		return i, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.image.Load(); i.serves(s) {
		return i, nil
	}
	i, err := s.newImage(ctx, key, stored, rev)
	if err != nil {
		return nil, err
	}
	hot := &s.engine.feed.hot
	i.shared = newCachedObject(i.object, func(bytes int) { hot.grow(i, bytes) })
	l.image.Store(i)
	hot.add(l, i, len(stored))
	return i, nil
}

func (i *image) serves(s *Store) bool {
	return i != nil && i.store == s && !i.isOld(s.engine.cfg.Clock.Now())
}

func (i *image) isOld(now time.Time) bool { return now.Sub(i.made) >= imageAge }
