// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
)

const (
	// maxPage bounds one page of a list that has to look for what its selectors want,
	// as in etcd3; pageBytes bounds it, too.
	maxPage = 10_000
	// maxCounted is where counting what remains of a list stops: beyond, the number
	// costs more than the page.
	maxCounted = 10_000
)

// Texts that clients know from etcd3.
const (
	listExpired     = "The resourceVersion for the provided list is too old."
	continueExpired = "The provided continue parameter is too old to display a consistent list result. " +
		"You can start a new list without the continue parameter, or use the continue token in this response to " +
		"retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - " +
		"objects that were created, modified, or deleted between the time the first chunk was returned and now may " +
		"show up in the list."
)

// pageQuery asks for the objects of [lo, hi) in key order, at most limit, and no more
// once they hold the given number of bytes.
type pageQuery struct {
	lo, hi string
	limit  int64
	bytes  int64
	// rev is the revision to read at; 0 is the newest.
	rev      int64
	count    bool
	selector fields.Selector
}

// page is what a pageQuery found: whole rows, not yet checked by selectors.
type page struct {
	items []item
	// rev is the revision that the page shows.
	rev int64
	// total counts the objects of the range up to maxCounted+1, when asked for.
	total   int64
	hasMore bool
}

type item struct {
	key string
	version
}

// snapshot is what the rows of a page say of the moment at which it was read.
type snapshot struct {
	newest, compacted int64
	// incomplete says that the projection lacks rows.
	incomplete bool
}

// readPage reads a page. One that was prefiltered by a projection which turns out to
// lack rows is thrown away and read again without; the process then leaves the
// prefilter out until it sees that the projection is complete.
func (s *Store) readPage(ctx context.Context, q pageQuery) (page, error) {
	if s.incomplete.Load() {
		p, _, err := s.queryPage(ctx, q, nil)
		return p, err
	}
	p, complete, err := s.queryPage(ctx, q, q.selector)
	if err == nil && !complete {
		p, _, err = s.queryPage(ctx, q, nil)
	}
	return p, err
}

// queryPage runs one query, prefiltered by selector: the page, what it says about
// revisions, and whether its prefilter may be trusted are of one snapshot.
func (s *Store) queryPage(ctx context.Context, q pageQuery, selector fields.Selector) (_ page, complete bool, _ error) {
	sql, args, prefiltered := s.pageStatement(q, selector)
	end, err := s.engine.lists.take(ctx, acquireTimeout)
	if err != nil {
		return page{}, false, apiError(ctx, err)
	}
	defer end()
	conn, err := s.engine.acquire(ctx)
	if err != nil {
		return page{}, false, err
	}
	defer conn.Release()
	if prefiltered {
		// Planned for its values each time: what is best for any value reads everything for some.
		args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return page{}, false, apiError(ctx, err)
	}
	p, seen, err := scanPage(rows, q.limit)
	if err != nil {
		return page{}, false, apiError(ctx, err)
	}
	s.incomplete.Store(seen.incomplete)
	s.engine.learn(seen.newest)
	p.rev, err = q.shows(seen)
	return p, !seen.incomplete, err
}

// pageStatement is the query of a page, prefiltered by selector, with its arguments.
func (s *Store) pageStatement(q pageQuery, selector fields.Selector) (sql string, args []any, prefiltered bool) {
	sql, args = listSQL, []any{q.lo, q.hi, q.limit + 1, q.count, int64(maxCounted + 1), s.Projection.name(), q.bytes}
	if q.rev > 0 {
		sql, args = listExactSQL, append(args, q.rev)
	}
	conditions, args := s.Projection.conditions(selector, args)
	if conditions == "" {
		return fmt.Sprintf(sql, "objects"), args, false
	}
	return fmt.Sprintf(sql, s.Projection.prefiltered(conditions)), args, true
}

// shows is the revision that a page shows, if that can still be, or already be, read.
func (q pageQuery) shows(seen snapshot) (int64, error) {
	switch {
	case q.rev == 0:
		return seen.newest, nil
	case q.rev > seen.newest:
		return 0, storage.NewTooLargeResourceVersionError(uint64(q.rev), uint64(seen.newest), 0) //nolint:gosec // revisions
	case q.rev < seen.compacted:
		return 0, errCompacted
	default:
		return q.rev, nil
	}
}

// scanPage reads the rows of list.sql or list_exact.sql, which were asked for one more
// object than limit.
func scanPage(rows pgx.Rows, limit int64) (p page, seen snapshot, err error) {
	var key *string
	var rev *int64
	var value []byte
	_, err = pgx.ForEachRow(rows, []any{&seen.newest, &seen.compacted, &seen.incomplete, &p.total, &key, &rev, &value}, func() error {
		switch {
		case key == nil:
		case value == nil:
			p.hasMore = true
		default:
			p.items = append(p.items, item{key: *key, version: version{rev: *rev, value: value}})
		}
		value = nil
		return nil
	})
	slices.SortFunc(p.items, func(a, b item) int { return strings.Compare(a.key, b.key) })
	if int64(len(p.items)) > limit {
		p.items, p.hasMore = p.items[:limit], true
	}
	return p, seen, err
}

// GetList implements storage.Interface. All pages of a list show its first page's
// revision.
func (s *Store) GetList(ctx context.Context, key string, opts storage.ListOptions, listObj runtime.Object) error {
	prefix, err := s.prepareKey(key, opts.Recursive)
	if err != nil {
		return err
	}
	items, newItem, err := itemsOf(listObj)
	if err != nil {
		return err
	}
	rev, continueKey, err := storage.ValidateListOptions(prefix, s.versioner, opts)
	if err != nil {
		return err
	}
	if rev < 0 {
		rev = math.MaxInt64 // 64 bits that upstream made an int64 of: in the future, not in the past
	}
	l := &lister{store: s, pred: opts.Predicate, items: items, newItem: newItem, errs: newListErrors()}
	l.query.lo, l.query.hi = keyRange(topicOf(prefix, opts.Recursive))
	l.query.rev, l.query.limit, l.query.selector = rev, opts.Predicate.Limit, opts.Predicate.Field
	if continueKey != "" {
		if l.query.lo, err = startAfter(continueKey); err != nil {
			return err
		}
	}
	if err := l.run(ctx, opts); err != nil {
		// Nor does a token of a revision that has not been lead to more of the same list.
		if errors.Is(err, errCompacted) || continueKey != "" && storage.IsTooLargeResourceVersion(err) {
			return expired(continueKey, prefix)
		}
		return err
	}
	return l.finish(prefix, opts, listObj)
}

// lister fills one list, page by page.
type lister struct {
	store   *Store
	pred    storage.SelectionPredicate
	query   pageQuery
	items   reflect.Value
	newItem func() runtime.Object
	errs    *listErrors

	lastKey string
	total   int64
	hasMore bool
}

func (l *lister) paging() bool { return l.pred.Limit > 0 }

func (l *lister) full() bool { return l.paging() && int64(l.items.Len()) >= l.pred.Limit }

func (l *lister) run(ctx context.Context, opts storage.ListOptions) error {
	if !l.paging() {
		l.query.limit = maxPage
	}
	l.query.count, l.query.bytes = l.paging() && l.pred.Empty(), l.store.pageBytes
	for first := true; ; first = false {
		p, err := l.store.readPage(ctx, l.query)
		if err != nil {
			return err
		}
		if first && l.query.rev == 0 {
			if err := l.store.checkMinimum(opts.ResourceVersion, p.rev); err != nil {
				return err
			}
		}
		if first {
			l.total = p.total
		}
		l.query.rev, l.query.count = p.rev, false
		if done, err := l.add(ctx, p); done || err != nil {
			return err
		}
		// The selectors dropped objects of this page: take larger ones, to make fewer trips.
		l.query.limit = min(2*l.query.limit, maxPage)
		l.query.lo = l.lastKey + "\x01"
	}
}

// add appends the page's matching objects, and tells whether the list is complete.
func (l *lister) add(ctx context.Context, p page) (done bool, err error) {
	for _, it := range p.items {
		if l.full() {
			l.hasMore = true
			return true, nil
		}
		l.lastKey = it.key
		if more, err := l.addItem(ctx, it); err != nil || !more {
			return true, err
		}
	}
	l.hasMore = p.hasMore
	return !p.hasMore || l.full(), nil
}

func (l *lister) addItem(ctx context.Context, it item) (more bool, err error) {
	data, _, err := l.store.fromStorage(ctx, it.key, it.value)
	if err != nil {
		err = storage.NewInternalError(fmt.Errorf("unable to transform key %q: %w", it.key, err))
		return l.failed(it.key, err)
	}
	if ctx.Err() != nil {
		return false, storage.NewTimeoutError(it.key, "request did not complete within requested timeout")
	}
	obj := l.newItem()
	if err := l.store.decode(data, obj, it.rev); err != nil {
		return l.failed(it.key, err)
	}
	if matches, err := l.pred.Matches(obj); err == nil && matches {
		l.items.Set(reflect.Append(l.items, reflect.ValueOf(obj).Elem()))
	}
	return true, nil
}

func (l *lister) failed(key string, err error) (more bool, _ error) {
	if l.errs.add(key, err) {
		return true, nil
	}
	return false, l.errs.result(l.store.GroupResource)
}

func (l *lister) finish(prefix string, opts storage.ListOptions, listObj runtime.Object) error {
	if err := l.errs.result(l.store.GroupResource); err != nil {
		return err
	}
	token, remaining, err := storage.PrepareContinueToken(l.lastKey, prefix, l.query.rev, l.total, l.hasMore, opts)
	if err != nil {
		return err
	}
	if l.total > maxCounted {
		remaining = nil
	}
	if l.items.IsNil() {
		l.items.Set(reflect.MakeSlice(l.items.Type(), 0, 0))
	}
	return l.store.versioner.UpdateList(listObj, uint64(l.query.rev), token, remaining) //nolint:gosec // a revision
}

// itemsOf returns the list's slice, and a function that makes one element.
func itemsOf(listObj runtime.Object) (reflect.Value, func() runtime.Object, error) {
	ptr, err := meta.GetItemsPtr(listObj)
	if err != nil {
		return reflect.Value{}, nil, err
	}
	items, err := conversion.EnforcePtr(ptr)
	if err != nil || items.Kind() != reflect.Slice {
		return reflect.Value{}, nil, fmt.Errorf("want a pointer to a slice of items: %w", err)
	}
	if list, ok := listObj.(*unstructured.UnstructuredList); ok && list.GetAPIVersion() != "" {
		return items, func() runtime.Object {
			return &unstructured.Unstructured{Object: map[string]any{"apiVersion": list.GetAPIVersion()}}
		}, nil
	}
	elem := items.Type().Elem()
	return items, func() runtime.Object {
		return reflect.New(elem).Interface().(runtime.Object) //nolint:forcetypeassert // an item of a list of Objects
	}, nil
}

// startAfter turns a continue token's key, which a client may have made up, into the
// lower bound of the next page. A token ends in U+0000, which PostgreSQL cannot store;
// no key lies between a key and the key with U+0001.
func startAfter(continueKey string) (string, error) {
	key := strings.TrimSuffix(continueKey, "\x00")
	if strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
		return "", apierrors.NewBadRequest("invalid continue token: the key holds U+0000 or invalid UTF-8")
	}
	if key == continueKey {
		return key, nil
	}
	return key + "\x01", nil
}

// expired is the 410 for a revision that is no longer kept; a chunked list gets a
// token with which it can go on at the newest revision.
func expired(continueKey, prefix string) error {
	if continueKey == "" {
		return apierrors.NewResourceExpired(listExpired)
	}
	err := apierrors.NewResourceExpired(continueExpired)
	if token, encodeErr := storage.EncodeContinue(continueKey, prefix, -1); encodeErr == nil {
		err.ErrStatus.ListMeta.Continue = token
	}
	return err
}
