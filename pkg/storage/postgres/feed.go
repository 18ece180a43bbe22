// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"k8s.io/klog/v2"
)

const (
	// busyPoll and idlePoll bound how often the events table is asked without a
	// reason. Polling alone is enough for correctness; the reasons make it fast.
	busyPoll = 10 * time.Millisecond
	idlePoll = 250 * time.Millisecond

	tailRows = 1000
	// pageBytes bounds the objects that one read of events brings into memory, but for
	// the last event's.
	pageBytes = 8 << 20

	// ringBytes and ringEvents bound the recent events kept in memory. A watch that
	// is further behind reads the table.
	ringBytes  = 32 << 20
	ringEvents = 20_000
)

// errCompacted says that history below the wanted revision is gone.
var errCompacted = errors.New("the wanted revision has been compacted")

// event is one revision that changed a key.
type event struct {
	rev, prevRev     int64
	key              string
	deleted          bool
	value, prevValue []byte

	// published says that watches share the event, and the images that they make of
	// its values.
	published         bool
	current, previous lazyImage
}

func (ev *event) size() int { return len(ev.key) + len(ev.value) + len(ev.prevValue) + 160 }

// feed reads the events table in order, once for all watches of the process, and
// keeps the recent part in a ring:
//
//	revision   …  40   41   42   43   44
//	                   └──── ring ────┘      base = 40, pos = 44
//
// A subscription is a cursor. One at 41 finds 42 to 44 in the ring; one at 30 reads 31
// to 44 from the table. One that has seen everything is idle: it has no cursor to
// fall behind, and gets one, the position before the event, when an event concerns it.
//
// Only run moves pos, by rows that it has read without a hole. Whatever is told to a
// watch, events and bookmarks alike, is told from its cursor up, so a bookmark is
// never ahead of an event.
type feed struct {
	engine *Engine
	wake   chan struct{}

	mu   sync.Mutex
	ring []*event
	size int
	// base is the revision before the ring's first; every event in (base, pos] is in it.
	base, pos int64
	// compacted is the newest compact_rv that was seen.
	compacted int64
	started   bool
	// lastRead is when everything that was committed had been read.
	lastRead time.Time
	// broken is set for good when revisions are missing that must exist.
	broken error
	// newest is the newest event of each key in the ring.
	newest map[string]*event
	// topics are the subscriptions by their key or prefix.
	topics map[string]*topicSubscriptions
	// ahead are the subscriptions whose cursor this process has not reached yet.
	ahead map[*subscription]struct{}
	// progressWanted asks for a bookmark on every subscription that takes them, after
	// the next complete read.
	progressWanted bool

	hot hotImages
}

// topicSubscriptions are the subscriptions of one topic.
type topicSubscriptions struct {
	members map[*subscription]struct{}
	// told is the position before the newest chunk that concerned the topic.
	told int64
}

func newFeed(e *Engine) *feed {
	return &feed{
		engine: e, wake: make(chan struct{}, 1),
		newest: map[string]*event{}, topics: map[string]*topicSubscriptions{}, ahead: map[*subscription]struct{}{},
	}
}

// poke makes the feed look for events now.
func (f *feed) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// requestProgress makes every subscription with progress return, in order, once the
// feed has read all that is committed now.
func (f *feed) requestProgress() {
	f.mu.Lock()
	f.progressWanted = true
	f.mu.Unlock()
	f.poke()
}

func (f *feed) position() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pos
}

func (f *feed) compactRevision() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.compacted
}

func (f *feed) isBroken() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken != nil
}

// run tails the table until ctx ends or the feed is broken. A lost database stops
// nothing but the flow.
func (f *feed) run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	pause, healthy := idlePoll, true
	for ctx.Err() == nil {
		started := f.engine.cfg.Clock.Now()
		found, err := f.read(ctx)
		f.observeRead(started, err)
		if (err == nil) != healthy && ctx.Err() == nil {
			healthy = err == nil
			if healthy {
				feedReconnects.Inc()
			}
			logger.Info("The change feed's connection has changed", "healthy", healthy, "position", f.position(), "err", redactNil(err))
		}
		switch {
		case f.isBroken():
			return
		case found:
			pause = busyPoll
		case err == nil:
			pause = min(2*pause, idlePoll)
		default:
			pause = idlePoll
		}
		timer := f.engine.cfg.Clock.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-timer.C():
		}
		timer.Stop()
	}
}

func redactNil(err error) error {
	if err == nil {
		return nil
	}
	return redact(err)
}

// read publishes everything that is committed, and tells whether that was anything.
func (f *feed) read(ctx context.Context) (found bool, err error) {
	f.mu.Lock()
	started, wanted := f.started, f.progressWanted
	f.progressWanted = false
	f.mu.Unlock()
	defer func() {
		if wanted && err != nil {
			f.mu.Lock()
			f.progressWanted = true
			f.mu.Unlock()
		}
	}()
	if !started {
		if err := f.start(ctx); err != nil {
			return false, err
		}
	}
	for {
		n, more, err := f.readChunk(ctx)
		if err != nil {
			return found, err
		}
		found = found || n > 0
		if !more {
			break
		}
	}
	if wanted {
		f.announceProgress()
	}
	return found, nil
}

// start sets the position to the present. Older events are read from the table by
// those who want them.
func (f *feed) start(ctx context.Context) error {
	newest, compacted, err := revisions(ctx, f.engine.feedPool)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base, f.pos, f.compacted, f.started = newest, newest, compacted, true
	f.engine.learn(newest)
	f.catchUp()
	f.wakeAll()
	return nil
}

func (f *feed) readChunk(ctx context.Context) (n int, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	from := f.position()
	rows, err := f.engine.feedPool.Query(ctx, tailSQL, from, tailRows, pageBytes)
	if err != nil {
		return 0, false, err
	}
	chunk, more, err := scanEvents(rows, tailRows)
	if err != nil || len(chunk) == 0 {
		return 0, false, err
	}
	compacted := f.compactRevision()
	isCompaction := func(ev *event) bool { return ev.key == "" }
	if slices.ContainsFunc(chunk, isCompaction) || chunk[0].rev != from+1 {
		if _, compacted, err = revisions(ctx, f.engine.feedPool); err != nil {
			return 0, false, err
		}
	}
	return len(chunk), more, f.publish(ctx, chunk, compacted)
}

// scanEvents reads the rows of tail.sql or history.sql, which were asked for at most
// limit events, and tells whether there may be more.
func scanEvents(rows pgx.Rows, limit int) (events []*event, more bool, err error) {
	var rev, prevRev int64
	var op, key string
	var prevValue, value []byte
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&rev, &op, &key, &prevRev, &prevValue, &value, &found}, func() error {
		events = append(events, &event{
			rev: rev, prevRev: prevRev, key: key, deleted: op == "D", value: value, prevValue: prevValue,
		})
		value, prevValue = nil, nil
		return nil
	})
	return events, found == limit || len(events) < found, err
}

// publish appends what was read behind pos to the ring and wakes whom it concerns.
func (f *feed) publish(ctx context.Context, chunk []*event, compacted int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.compacted = max(f.compacted, compacted)
	start := f.pos
	for _, ev := range chunk {
		if ev.rev <= f.pos {
			continue // offered while it was read
		}
		if ev.rev != f.pos+1 && !f.jump(ctx, ev.rev) {
			return f.broken
		}
		f.append(ev, start)
	}
	f.catchUp()
	f.shrink()
	return nil
}

// append moves pos to the next revision, of the chunk that came at position chunk. The
// caller holds mu.
func (f *feed) append(ev *event, chunk int64) {
	ev.published = true
	f.ring = append(f.ring, ev)
	f.newest[ev.key] = ev
	f.size += ev.size()
	f.notify(ev.key, f.pos, chunk)
	f.pos = ev.rev
	f.engine.learn(ev.rev)
}

// jump deals with a hole before next. One that ends at or below compact_rv is history
// that was trimmed before this process read it: every subscription has lost events but
// those that another process told what came before.
// Any other hole breaks the promise that the feed lives by.
func (f *feed) jump(ctx context.Context, next int64) bool {
	if next-1 > f.compacted {
		f.broken = fmt.Errorf("revisions %d to %d are missing from the events table", f.pos+1, next-1)
		feedBroken.Set(1)
		klog.FromContext(ctx).Error(f.broken, "The change feed is broken; this process serves no more watches")
		f.wakeAll()
		return false
	}
	for _, topic := range f.topics {
		for s := range topic.members {
			s.lost = s.lost || s.idle || s.cursor < f.compacted
			s.signal()
		}
	}
	f.ring, f.size = nil, 0
	clear(f.newest)
	f.base, f.pos = next-1, next-1
	return true
}

// notify wakes the subscriptions that key concerns, once for each chunk, and gives the
// idle ones a cursor. Nobody polls between the events of a chunk: the caller holds mu.
func (f *feed) notify(key string, before, chunk int64) {
	f.notifyTopic(key, before, chunk)
	for i := range len(key) {
		if key[i] == '/' {
			f.notifyTopic(key[:i+1], before, chunk)
		}
	}
}

func (f *feed) notifyTopic(name string, before, chunk int64) {
	topic := f.topics[name]
	if topic == nil || topic.told == chunk {
		return
	}
	topic.told = chunk
	for s := range topic.members {
		if s.idle {
			s.idle, s.cursor = false, before
		}
		s.signal()
	}
}

// catchUp takes in the subscriptions that the position has reached.
func (f *feed) catchUp() {
	for s := range f.ahead {
		if s.cursor <= f.pos {
			delete(f.ahead, s)
			s.rest()
		}
	}
}

func (f *feed) wakeAll() {
	for _, topic := range f.topics {
		for s := range topic.members {
			s.signal()
		}
	}
}

func (f *feed) announceProgress() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, topic := range f.topics {
		for s := range topic.members {
			s.progress = true
			s.signal()
		}
	}
}

func (f *feed) shrink() {
	drop := 0
	for f.size > ringBytes || len(f.ring)-drop > ringEvents {
		ev := f.ring[drop]
		f.size -= ev.size()
		f.base = ev.rev
		if f.newest[ev.key] == ev {
			delete(f.newest, ev.key)
		}
		drop++
	}
	clear(f.ring[:drop])
	f.ring = f.ring[drop:] // append moves what is left when it needs room
}

// after appends the ring's events of a topic above cursor to events, as many as a watch
// takes at once, and returns the cursor behind them. The caller holds mu, and cursor is
// at least base.
func (f *feed) after(events []*event, topic string, cursor int64) ([]*event, int64) {
	first := sort.Search(len(f.ring), func(i int) bool { return f.ring[i].rev > cursor })
	bytes := 0
	for _, ev := range f.ring[first:] {
		if !inTopic(topic, ev.key) {
			continue
		}
		if bytes >= watchBytes || len(events) == watchRows {
			return events, events[len(events)-1].rev
		}
		events, bytes = append(events, ev), bytes+ev.size()
	}
	return events, f.pos
}

// inTopic tells whether a key is the topic, or under it when it ends in a slash.
func inTopic(topic, key string) bool {
	return key == topic || (strings.HasSuffix(topic, "/") && strings.HasPrefix(key, topic))
}
