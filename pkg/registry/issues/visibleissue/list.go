// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// nowhere is a namespace that cannot be: a list of it answers as any list does, with
// nothing in it.
const nowhere = "-"

// lister fills one list, namespace by namespace, all at one revision.
type lister struct {
	rest  *REST
	query *query
	scope scope
	// options are those of the next read.
	options metainternalversion.ListOptions
	limited bool
	// start is where the request's token leads, empty without one.
	start string
	out   *issues.VisibleIssueList
}

// list reads what the query selects within the scope.
func (r *REST) list(
	ctx context.Context, q *query, s scope, options metainternalversion.ListOptions,
) (*issues.VisibleIssueList, error) {
	l := &lister{
		rest: r, query: q, scope: s, options: options, limited: options.Limit > 0,
		out: &issues.VisibleIssueList{Items: []issues.VisibleIssue{}},
	}
	if err := l.run(ctx); err != nil {
		return nil, l.withToken(err)
	}
	return l.out, nil
}

func (l *lister) run(ctx context.Context) error {
	if l.scope.everywhere {
		return l.read(ctx, metav1.NamespaceAll)
	}
	namespaces, err := l.resume()
	if err != nil {
		return err
	}
	for i, namespace := range namespaces {
		if err := l.read(ctx, namespace); err != nil {
			return err
		}
		if l.full() {
			return l.leadOn(len(namespaces) > i+1)
		}
	}
	if l.out.ResourceVersion != "" {
		return nil
	}
	return l.read(ctx, nowhere)
}

// resume returns the namespaces that are still to be read. The place that a token tells
// is the client's word: it chooses among the namespaces of the scope.
func (l *lister) resume() ([]string, error) {
	if l.options.Continue == "" {
		return l.scope.namespaces, nil
	}
	key, rev, err := storage.DecodeContinue(l.options.Continue, "")
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("invalid continue token: %v", err))
	}
	l.start = key
	namespace, _, _ := strings.Cut(key, "/")
	rest := l.scope.namespaces
	for len(rest) > 0 && issue.CompareNamespaces(rest[0], namespace) < 0 {
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == namespace && key != namespace+"/" {
		l.options.Continue, err = storage.EncodeContinue(key, namespace+"/", rev)
		return rest, err
	}
	l.options.Continue = ""
	if rev > 0 {
		l.at(fmt.Sprint(rev))
	}
	return rest, nil
}

// at makes the next read show a revision.
func (l *lister) at(rev string) {
	l.options.ResourceVersion, l.options.ResourceVersionMatch = rev, metav1.ResourceVersionMatchExact
}

// read appends the issues of one namespace, as many as are still wanted.
func (l *lister) read(ctx context.Context, namespace string) error {
	predicate := l.query.predicate(l.rest.issues.PredicateFunc, l.scope)
	obj, err := l.rest.issues.ListPredicate(genericapirequest.WithNamespace(ctx, namespace), predicate, &l.options)
	if err != nil {
		return err
	}
	list, ok := obj.(*issues.IssueList)
	if !ok {
		return fmt.Errorf("want an IssueList, got %T", obj)
	}
	for i := range list.Items {
		l.out.Items = append(l.out.Items, *view(&list.Items[i]))
	}
	l.out.ListMeta = list.ListMeta
	l.options.Limit -= int64(len(list.Items))
	l.options.Continue = ""
	l.at(list.ResourceVersion)
	return nil
}

// full tells whether the list ends with the namespace that was read last.
func (l *lister) full() bool { return l.out.Continue != "" || l.limited && l.options.Limit <= 0 }

// leadOn gives a full page the token of the next one, if there may be more.
func (l *lister) leadOn(following bool) error {
	l.out.RemainingItemCount = nil
	if l.out.Continue == "" && !following {
		return nil
	}
	rev, err := strconv.ParseInt(l.out.ResourceVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("read the list's revision: %w", err)
	}
	last := l.out.Items[len(l.out.Items)-1].Issue
	l.out.Continue, err = encodeToken(last.Namespace+"/"+last.Name+"\x00", rev)
	return err
}

func encodeToken(key string, rev int64) (string, error) {
	return storage.EncodeContinue("/"+key, "/", rev)
}

// withToken gives an expired list that came with a token one by which it can go on at
// the newest revision.
func (l *lister) withToken(err error) error {
	var status *apierrors.StatusError
	if l.start == "" || !errors.As(err, &status) || !apierrors.IsResourceExpired(err) {
		return err
	}
	token, tokenErr := encodeToken(l.start, -1)
	if tokenErr != nil {
		return err
	}
	status.ErrStatus.Continue = token
	return status
}
