// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/watch"
)

// sendEvent sends what an event means for the watch's selectors: an object that starts
// to match is added, one that ceases to is deleted.
func (w *watcher) sendEvent(ev *event) error {
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
		result.Object = &timedObject{Object: result.Object, at: w.store.engine.cfg.Clock.Now()}
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
