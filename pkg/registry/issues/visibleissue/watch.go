// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
)

// pageSize is how many initial events of a watch are in memory at once.
const pageSize = 500

// watcher is one watch. Its goroutines end with its context; the one of run closes
// results.
type watcher struct {
	rest    *REST
	query   *query
	scope   scope
	options metainternalversion.ListOptions
	ctx     context.Context //nolint:containedctx // a watch is a context with a channel
	cancel  context.CancelFunc
	// first is the first page of initial events, nil for a watch without.
	first *issues.VisibleIssueList
	// rev is the revision that the caller has been told everything up to.
	rev string
	// results has no buffer: nothing that was shown before a right was taken away
	// waits in it.
	results chan watch.Event
}

// Stop implements watch.Interface.
func (w *watcher) Stop() { w.cancel() }

// ResultChan implements watch.Interface.
func (w *watcher) ResultChan() <-chan watch.Event { return w.results }

// sendsInitialEvents: see the table of resourceVersion and sendInitialEvents in the
// Kubernetes API concepts.
func sendsInitialEvents(options *metainternalversion.ListOptions) bool {
	if options.SendInitialEvents != nil {
		return *options.SendInitialEvents
	}
	return options.ResourceVersion == "" || options.ResourceVersion == "0"
}

// start finds the revision to start from, and with it the first initial events.
func (w *watcher) start() error {
	w.rev = w.options.ResourceVersion
	sendsInitial := sendsInitialEvents(&w.options)
	if !sendsInitial && w.rev != "" {
		return nil
	}
	options, s := metainternalversion.ListOptions{Limit: pageSize}, scope{}
	if sendsInitial {
		s = w.scope
	}
	if w.rev != "" {
		options.ResourceVersion, options.ResourceVersionMatch = w.rev, metav1.ResourceVersionMatchNotOlderThan
	}
	page, err := w.rest.list(w.ctx, w.query, s, options)
	if err != nil {
		return err
	}
	w.rev = page.ResourceVersion
	if sendsInitial {
		w.first = page
	}
	return nil
}

func (w *watcher) run(g *guard) {
	defer close(w.results)
	defer w.cancel()
	go g.run(w.ctx)
	w.sendError(w.follow(g))
}

// follow sends initial events, then what happens in the scope, whatever the scope is at
// the time, and returns why that ended.
func (w *watcher) follow(g *guard) error {
	if err := w.sendInitialEvents(); err != nil {
		return err
	}
	for {
		next, err := w.sendFeed(g)
		if err != nil {
			return err
		}
		if err := w.move(next); err != nil {
			return err
		}
		w.rest.memory.note(keyOf(g.user, w.query), w.scope, w.rev, false)
	}
}

// sendFeed follows the feed of all issues until the scope changes.
func (w *watcher) sendFeed(g *guard) (scope, error) {
	predicate := w.query.predicate(w.rest.issues.PredicateFunc, w.scope)
	predicate.AllowWatchBookmarks = true // they keep rev within the history
	ctx := genericapirequest.WithNamespace(w.ctx, w.scope.only())
	feed, err := w.rest.issues.WatchPredicate(ctx, predicate, w.rev, nil)
	if err != nil {
		return scope{}, err
	}
	defer feed.Stop()
	for {
		select {
		case err := <-g.failed:
			return scope{}, err
		case next := <-g.changed:
			return next, nil
		case event, ok := <-feed.ResultChan():
			if !ok {
				return scope{}, errFeedEnded
			}
			if err := w.pass(event); err != nil {
				return scope{}, err
			}
		}
	}
}

// errFeedEnded ends a watch as the feed ended it: without a word.
var errFeedEnded = errors.New("the feed of issues has ended")

// pass sends an event of an issue as one of a visible issue.
func (w *watcher) pass(event watch.Event) error {
	event, rev := translate(event)
	if event.Type != watch.Bookmark || w.options.AllowWatchBookmarks {
		if err := w.send(event); err != nil {
			return err
		}
	}
	if rev != "" {
		w.rev = rev
	}
	return nil
}

// sendInitialEvents sends what exists as ADDED events.
func (w *watcher) sendInitialEvents() error {
	if w.first == nil {
		return nil
	}
	page := w.first
	w.first = nil
	if err := w.sendPages(w.scope, page, watch.Added, false); err != nil {
		return err
	}
	if w.options.SendInitialEvents == nil || !w.options.AllowWatchBookmarks {
		return nil
	}
	end := &issues.VisibleIssue{}
	end.ResourceVersion = w.rev
	if err := storage.AnnotateInitialEventsEndBookmark(end); err != nil {
		return err
	}
	return w.send(watch.Event{Type: watch.Bookmark, Object: end})
}

// move takes what the caller may no longer see from him, and gives him what he may see
// now, both as of the revision that he knows. A revision that is no longer kept ends the
// watch with 410.
func (w *watcher) move(next scope) error {
	taken, given := w.scope.without(next), next.without(w.scope)
	w.scope = next
	if err := w.sendAll(taken, watch.Deleted); err != nil {
		return err
	}
	return w.sendAll(given, watch.Added)
}

func (w *watcher) sendAll(s scope, eventType watch.EventType) error {
	if len(s.namespaces) == 0 {
		return nil
	}
	page, err := w.rest.list(w.ctx, w.query, s, metainternalversion.ListOptions{
		Limit: pageSize, ResourceVersion: w.rev, ResourceVersionMatch: metav1.ResourceVersionMatchExact,
	})
	if err != nil {
		return err
	}
	return w.sendPages(s, page, eventType, true)
}

// sendPages sends a list as events, page by page. Where the caller goes on from the
// newest event, it carries the revision that he knows: an object's own would lead back.
func (w *watcher) sendPages(s scope, page *issues.VisibleIssueList, eventType watch.EventType, later bool) error {
	for {
		for i := range page.Items {
			object := &page.Items[i]
			if later {
				object.ResourceVersion = w.rev
			}
			if err := w.send(watch.Event{Type: eventType, Object: object}); err != nil {
				return err
			}
		}
		if page.Continue == "" {
			return nil
		}
		var err error
		options := metainternalversion.ListOptions{Limit: pageSize, Continue: page.Continue}
		if page, err = w.rest.list(w.ctx, w.query, s, options); err != nil {
			return err
		}
	}
}

func (w *watcher) send(event watch.Event) error {
	select {
	case w.results <- event:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

func (w *watcher) sendError(err error) {
	if errors.Is(err, errFeedEnded) || w.ctx.Err() != nil {
		return
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		status = apierrors.NewInternalError(err)
	}
	object := status.Status()
	_ = w.send(watch.Event{Type: watch.Error, Object: &object})
}

// shared is an object that many watches send.
type shared interface {
	Derived(derive func(runtime.Object) runtime.Object) runtime.Object
	ResourceVersion() string
}

// translate makes visible issues of the issues in an event, once for all watches, and
// returns the event's revision, "" if it has none.
func translate(event watch.Event) (watch.Event, string) {
	rev := ""
	switch o := event.Object.(type) {
	case shared:
		rev, event.Object = o.ResourceVersion(), o.Derived(viewObject)
	case *issues.Issue:
		rev, event.Object = o.ResourceVersion, view(o)
		if event.Type == watch.Bookmark {
			event.Object = viewBookmark(o)
		}
	}
	return event, rev
}
