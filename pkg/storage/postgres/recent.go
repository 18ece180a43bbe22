// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

// What this process has written itself it need not read again.

// publish tells the process's own watches what a batch has done.
func (e *Engine) publish(batch []*operation, outcomes []outcome) {
	for _, o := range outcomes {
		e.learn(max(o.rev, o.current.rev))
	}
	e.feed.offer(eventsOf(batch, outcomes))
}

// eventsOf makes the events of a batch as the events table has them, in the order of
// their revisions. Nil means that there are none, or that a value is not known which
// one of them replaced.
func eventsOf(batch []*operation, outcomes []outcome) []*event {
	events := make([]*event, 0, len(batch))
	for i, op := range batch {
		if !outcomes[i].applied() {
			continue
		}
		if op.expect > 0 && op.before == nil {
			return nil
		}
		events = append(events, &event{
			rev: outcomes[i].rev, prevRev: op.expect, key: op.key, deleted: op.delete,
			value: op.value, prevValue: op.before,
		})
	}
	return events
}

// offer publishes the events of an own batch if they are the next ones, that is, if no
// other process's batch, and no other batch that is still to be offered, came before.
// Otherwise the feed reads them.
func (f *feed) offer(events []*event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.started || f.broken != nil || len(events) == 0 || events[0].rev != f.pos+1 {
		f.poke()
		return
	}
	start := f.pos
	for _, ev := range events {
		f.append(ev, start)
	}
	f.catchUp()
	f.shrink()
}

// recent returns the newest version of a key that the feed remembers, unless this
// process already knows of newer revisions than the feed's: who wrote an object must
// not be offered an older one.
func (e *Engine) recent(key string) (version, bool) {
	f := e.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	ev := f.newest[key]
	if ev == nil || ev.deleted || f.broken != nil || f.pos < e.known.Load() {
		return version{}, false
	}
	return version{rev: ev.rev, value: ev.value}, true
}

// learn raises the newest revision that this process has heard of. It does so before
// anybody is told, so that a database which has lost that revision is recognised.
func (e *Engine) learn(rev int64) {
	for known := e.known.Load(); rev > known; known = e.known.Load() {
		if e.known.CompareAndSwap(known, rev) {
			return
		}
	}
}
