// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"
	utilflowcontrol "k8s.io/apiserver/pkg/util/flowcontrol"
)

const (
	watchExpired = "The resourceVersion for the provided watch is too old."
	// watchBuffer is how many events wait for a reader, decoded, before its watch reads
	// no further. watchRows and watchBytes bound what the watch has read but not decoded.
	watchBuffer = 16
	watchRows   = 500
	watchBytes  = 512 << 10
)

// Watch implements storage.Interface. A watch ends on its context and when the history
// it needs is gone (410); a lost database connection only delays it.
func (s *Store) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	preparedKey, err := s.prepareKey(key, opts.Recursive)
	if err != nil {
		return nil, err
	}
	requested, err := s.versioner.ParseResourceVersion(opts.ResourceVersion)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		store: s, topic: topicOf(preparedKey, opts.Recursive), opts: opts,
		rev:     int64(min(requested, math.MaxInt64)), //nolint:gosec // a revision
		results: make(chan watch.Event, watchBuffer),
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.pred, w.everything = opts.Predicate, opts.Predicate.Empty()
	if err := w.checkStart(); err != nil {
		w.cancel()
		return nil, err
	}
	go w.run()
	utilflowcontrol.WatchInitialized(ctx)
	return w, nil
}

// watcher is one watch. Its goroutine ends with its context, and closes results.
type watcher struct {
	store *Store
	topic string
	opts  storage.ListOptions
	pred  storage.SelectionPredicate
	// everything says that pred selects all objects.
	everything bool
	rev        int64
	ctx        context.Context //nolint:containedctx // a watch is a context with a channel
	cancel     context.CancelFunc
	results    chan watch.Event
}

// Stop implements watch.Interface.
func (w *watcher) Stop() { w.cancel() }

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.results }

// sendsInitialEvents: see the table of resourceVersion and sendInitialEvents in the
// Kubernetes API concepts.
func (w *watcher) sendsInitialEvents() bool {
	if w.opts.SendInitialEvents != nil {
		return *w.opts.SendInitialEvents
	}
	return w.rev == 0
}

// checkStart turns "from now on" into a revision before Watch returns, so that nothing
// that happens after the call is missed.
func (w *watcher) checkStart() error {
	if w.rev > 0 || w.sendsInitialEvents() {
		return nil
	}
	current, err := w.store.GetCurrentResourceVersion(w.ctx)
	w.rev = int64(current) //nolint:gosec // a revision
	return err
}

func (w *watcher) run() {
	defer close(w.results)
	defer w.cancel()
	if err := w.follow(); err != nil && w.ctx.Err() == nil {
		w.sendError(err)
	}
}

func (w *watcher) follow() error {
	if w.sendsInitialEvents() {
		if err := w.sendInitialEvents(); err != nil {
			return err
		}
	}
	sub := w.store.engine.feed.subscribe(w.topic, w.rev)
	defer sub.cancel()
	tick, stop := w.ticker()
	defer stop()
	for {
		events, upTo, err := sub.next(w.ctx, tick)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			if err := w.sendProgress(upTo); err != nil {
				return err
			}
			continue
		}
		for _, ev := range events {
			if err := w.sendEvent(ev); err != nil {
				return err
			}
		}
	}
}

// ticker paces the bookmarks of a watch that wants them.
func (w *watcher) ticker() (<-chan time.Time, func()) {
	interval := w.bookmarkInterval()
	if interval == 0 {
		return nil, func() {}
	}
	ticker := w.store.engine.cfg.Clock.NewTicker(interval)
	return ticker.C(), ticker.Stop
}

func (w *watcher) bookmarkInterval() time.Duration {
	switch {
	case w.opts.ProgressNotify:
		return w.store.engine.cfg.ProgressInterval
	case w.opts.Predicate.AllowWatchBookmarks:
		return w.store.BookmarkInterval
	default:
		return 0
	}
}

// sendInitialEvents sends what exists as ADDED events, page by page at one revision,
// and sets rev to it.
func (w *watcher) sendInitialEvents() error {
	if w.rev > 0 {
		current, err := w.store.GetCurrentResourceVersion(w.ctx)
		if err != nil {
			return err
		}
		if requested := uint64(w.rev); requested > current {
			return storage.NewTooLargeResourceVersionError(requested, current, 1)
		}
	}
	lo, hi := keyRange(w.topic)
	q := pageQuery{lo: lo, hi: hi, limit: watchRows, bytes: watchBytes, selector: w.pred.Field}
	for {
		p, err := w.store.readPage(w.ctx, q)
		if err != nil {
			return err
		}
		for _, it := range p.items {
			if err := w.sendEvent(&event{rev: it.rev, key: it.key, value: it.value}); err != nil {
				return err
			}
		}
		w.rev, q.rev = p.rev, p.rev
		if !p.hasMore {
			break
		}
		q.lo = p.items[len(p.items)-1].key + "\x01"
	}
	if w.opts.SendInitialEvents == nil || !w.opts.Predicate.AllowWatchBookmarks {
		return nil
	}
	return w.sendBookmark(w.rev, storage.AnnotateInitialEventsEndBookmark)
}

// sendProgress tells a watch that wants bookmarks that it has seen everything up to rev.
func (w *watcher) sendProgress(rev int64) error {
	if w.bookmarkInterval() == 0 {
		return nil
	}
	return w.sendBookmark(rev, func(runtime.Object) error { return nil })
}

func (w *watcher) sendBookmark(rev int64, annotate func(runtime.Object) error) error {
	obj := w.store.NewFunc()
	if err := w.store.versioner.UpdateObject(obj, uint64(rev)); err != nil { //nolint:gosec // a revision
		return fmt.Errorf("set resource version: %w", err)
	}
	if err := annotate(obj); err != nil {
		return fmt.Errorf("annotate bookmark: %w", err)
	}
	return w.send(watch.Event{Type: watch.Bookmark, Object: obj})
}

// sendEvent sends what an event means for the watch's selectors: an object that starts
// to match is added, one that ceases to is deleted.
func (w *watcher) sendEvent(ev *event) error {
	received := w.store.engine.cfg.Clock.Now()
	var cur, prev *image
	var err error
	if !ev.deleted {
		if cur, err = w.image(ev, &ev.current, ev.value); err != nil {
			return err
		}
	}
	if ev.prevRev > 0 && (ev.deleted || !w.everything) {
		if prev, err = w.image(ev, &ev.previous, ev.prevValue); err != nil {
			return w.deletedCorrupt(ev, err)
		}
	}
	result, ok := w.transition(ev, cur, prev)
	if !ok {
		return nil
	}
	if w.opts.RecordTimestamps {
		result.Object = &timedObject{Object: result.Object, at: received}
	}
	return w.send(result)
}

func (w *watcher) transition(ev *event, cur, prev *image) (watch.Event, bool) {
	is := cur != nil && (w.everything || cur.matches(&w.pred))
	was := ev.prevRev > 0 && (w.everything || prev.matches(&w.pred))
	switch {
	case is && was:
		return watch.Event{Type: watch.Modified, Object: cur.outgoing()}, true
	case is:
		return watch.Event{Type: watch.Added, Object: cur.outgoing()}, true
	case was:
		return watch.Event{Type: watch.Deleted, Object: prev.outgoing()}, true
	default:
		return watch.Event{}, false
	}
}

// image is one of an event's two versions. The previous one carries the event's
// revision, as in etcd3. The watch cache owns the objects that it gets, and only its
// watch records timestamps.
func (w *watcher) image(ev *event, shared *lazyImage, stored []byte) (*image, error) {
	if !ev.published || w.opts.RecordTimestamps {
		return w.store.newImage(w.ctx, ev.key, stored, ev.rev)
	}
	return shared.get(w.ctx, w.store, ev.key, stored, ev.rev)
}

// deletedCorrupt explains the end of a watch that cannot tell which object went.
func (w *watcher) deletedCorrupt(ev *event, err error) error {
	var corrupt *CorruptObjectError
	if !ev.deleted || !errors.As(err, &corrupt) {
		return err
	}
	return storeReadError(fmt.Sprintf("saw a DELETED event, but object data is corrupt - %v", err))
}

func (w *watcher) send(ev watch.Event) error {
	if len(w.results) == cap(w.results) {
		blockedWatches.Inc()
		defer blockedWatches.Dec()
	}
	select {
	case w.results <- ev:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

func (w *watcher) sendError(err error) {
	if errors.Is(err, errCompacted) {
		err = apierrors.NewResourceExpired(watchExpired)
	}
	var status apierrors.APIStatus
	if !errors.As(apiErrorOrInternal(err), &status) {
		return
	}
	object := status.Status()
	_ = w.send(watch.Event{Type: watch.Error, Object: &object})
}

func apiErrorOrInternal(err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return err
	}
	return apierrors.NewInternalError(err)
}

// timedObject carries the time at which an event was read to the watch cache, which
// unwraps it before anybody else sees the object.
type timedObject struct {
	runtime.Object
	at time.Time
}

var _ storage.WatchEventWithRecordTime = (*timedObject)(nil)

// GetObjectMeta lets meta.Accessor see through the wrapper.
func (t *timedObject) GetObjectMeta() metav1.Object {
	accessor, err := meta.Accessor(t.Object)
	if err != nil {
		return nil
	}
	return accessor
}

// DeepCopyObject implements runtime.Object.
func (t *timedObject) DeepCopyObject() runtime.Object {
	return &timedObject{Object: t.Object.DeepCopyObject(), at: t.at}
}

// RecordTime implements storage.WatchEventWithRecordTime.
func (t *timedObject) RecordTime() time.Time { return t.at }

// Unwrap implements storage.WatchEventWithRecordTime.
func (t *timedObject) Unwrap() runtime.Object { return t.Object }
