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
		rev:     int64(min(requested, math.MaxInt64)),
		results: make(chan watch.Event, watchBuffer),
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.pred, w.everything = opts.Predicate, opts.Predicate.Empty()
	if err := w.start(); err != nil && ctx.Err() == nil {
		w.cancel()
		return nil, err
	}
	if w.first == nil {
		w.sub = s.engine.feed.subscribe(w.topic, w.rev)
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
	// first is the first page of initial events; run forgets it.
	first *page
	// sub is the watch's place in the feed, once it has one.
	sub     *subscription
	rev     int64
	ctx     context.Context //nolint:containedctx // a watch is a context with a channel
	cancel  context.CancelFunc
	results chan watch.Event
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

// start reads what Watch must know before it returns: what is there, or what "from now
// on" means. That fails when the database is away. A watch from a revision on needs to
// know nothing, and waits for the database.
func (w *watcher) start() error {
	if w.sendsInitialEvents() {
		return w.readFirstPage()
	}
	if w.rev > 0 {
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
	if w.first != nil {
		if err := w.sendInitialEvents(); err != nil {
			return err
		}
		w.sub = w.store.engine.feed.subscribe(w.topic, w.rev)
	}
	defer w.sub.cancel()
	tick, stop := w.ticker()
	defer stop()
	for {
		events, upTo, err := w.sub.next(w.ctx, tick)
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
