// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import "k8s.io/apiserver/pkg/storage"

// readFirstPage reads the first objects, and with them the revision of all initial
// events. It must not be older than the one that was asked for.
func (w *watcher) readFirstPage() error {
	q := w.initialQuery()
	p, err := w.store.readPage(w.ctx, q)
	if err != nil {
		return err
	}
	if w.rev > p.rev {
		return storage.NewTooLargeResourceVersionError(uint64(w.rev), uint64(p.rev), 1) //nolint:gosec // revisions
	}
	w.first, w.rev = &p, p.rev
	w.store.engine.feed.poke()
	return nil
}

func (w *watcher) initialQuery() pageQuery {
	lo, hi := keyRange(w.topic)
	return pageQuery{lo: lo, hi: hi, limit: watchRows, bytes: watchBytes, selector: w.pred.Field}
}

// sendInitialEvents sends what exists as ADDED events, page by page at one revision. No
// connection is held while the reader takes its time.
func (w *watcher) sendInitialEvents() error {
	p, q := *w.first, w.initialQuery()
	w.first, q.rev = nil, w.rev
	for {
		for i, it := range p.items {
			if err := w.sendEvent(&event{rev: it.rev, key: it.key, value: it.value}); err != nil {
				return err
			}
			p.items[i].value = nil
		}
		if !p.hasMore {
			break
		}
		q.lo = p.items[len(p.items)-1].key + "\x01"
		var err error
		if p, err = w.store.readPage(w.ctx, q); err != nil {
			return err
		}
	}
	if w.opts.SendInitialEvents == nil || !w.opts.Predicate.AllowWatchBookmarks {
		return nil
	}
	return w.sendBookmark(w.rev, storage.AnnotateInitialEventsEndBookmark)
}
