// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

const (
	// interval is how late a change may be, beside what the deadline is rounded up by.
	interval = 5 * time.Second
	// readInterval is how often all issues are read where the database cannot tell which
	// are due, because some are stored encrypted.
	readInterval = 10 * time.Minute
	// forgetInterval is how often history is forgotten.
	forgetInterval = time.Hour

	// workers is how many issues change at once: enough to share batches.
	workers = 8
	// pageSize is how many issues are looked up at once.
	pageSize = 500
)

// Issues are written through their registry, as all other writes are.
type Issues interface {
	UpdateDecided(ctx context.Context, name string, decide func(*issues.Issue) (*issues.Issue, error), dryRun []string) (*issues.Issue, error)
	Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error)
	List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error)
}

// Retention says for how long what is over is kept. Zero is for ever.
type Retention struct {
	// Resolved is how long a Resolved issue stays in the API.
	Resolved time.Duration
	// History is how long an episode is kept after its end.
	History time.Duration
}

// Sweeper makes time pass.
type Sweeper struct {
	issues    Issues
	tables    Tables
	retention Retention
	clock     clock.Clock
}

// New returns a Sweeper that works when Run is called. The tables are of the issues'
// database.
func New(store Issues, tables Tables, retention Retention, clock clock.Clock) *Sweeper {
	return &Sweeper{issues: store, tables: tables, retention: retention, clock: clock}
}

// Run works until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { s.every(ctx, interval, "let time pass", s.sweepDue) })
	work.Go(func() { s.every(ctx, readInterval, "let time pass for encrypted issues", s.sweepAll) })
	work.Go(func() { s.every(ctx, forgetInterval, "forget history", s.forget) })
	work.Wait()
}

// every works at once and then in intervals, until ctx ends. What fails is tried again.
func (s *Sweeper) every(ctx context.Context, interval time.Duration, name string, work func(context.Context) error) {
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("Background work has not succeeded; it is tried again", "work", name, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.clock.After(interval):
		}
	}
}

// sweepDue looks at the issues whose deadline has passed, in its order.
func (s *Sweeper) sweepDue(ctx context.Context) error {
	now := s.clock.Now()
	err := s.sweepState(ctx, issues.StateActive, now, now)
	if s.retention.Resolved > 0 {
		err = errors.Join(err, s.sweepState(ctx, issues.StateResolved, now.Add(-s.retention.Resolved), now))
	}
	return err
}

func (s *Sweeper) sweepState(ctx context.Context, state issues.IssueState, through, now time.Time) error {
	var failed error
	for after := (deadline{}); ; {
		page, err := s.due(ctx, state, through, after)
		if err != nil {
			return err
		}
		places := make([]place, len(page))
		for i := range page {
			places[i] = page[i].place()
		}
		failed = errors.Join(failed, s.passAll(ctx, places, now))
		if len(page) < pageSize || ctx.Err() != nil {
			return failed
		}
		after = page[len(page)-1]
	}
}

// sweepAll looks at every issue, if the database cannot tell which are due. One that
// cannot be written keeps no other waiting.
func (s *Sweeper) sweepAll(ctx context.Context) error {
	incomplete, err := s.incomplete(ctx)
	if err != nil || !incomplete {
		return err
	}
	options := &metainternalversion.ListOptions{Limit: pageSize}
	for failed := error(nil); ; {
		now := s.clock.Now()
		obj, err := s.issues.List(genericapirequest.WithNamespace(ctx, metav1.NamespaceAll), options)
		if err != nil {
			return errors.Join(failed, fmt.Errorf("list issues: %w", err))
		}
		page, ok := obj.(*issues.IssueList)
		if !ok {
			return fmt.Errorf("want an IssueList, got %T", obj)
		}
		failed = errors.Join(failed, s.passAll(ctx, s.dueOf(page, now), now))
		if page.Continue == "" || ctx.Err() != nil {
			return failed
		}
		options.Continue = page.Continue
	}
}

func (s *Sweeper) dueOf(page *issues.IssueList, now time.Time) []place {
	var due []place
	for i := range page.Items {
		issue := &page.Items[i]
		if rules.Elapse(issue, now) != issue || rules.Removable(issue, now, s.retention.Resolved) {
			due = append(due, place{issue.Namespace, issue.Name})
		}
	}
	return due
}

// place is where an issue is.
type place struct{ namespace, name string }

// passAll lets time pass for some issues, several at once, so that their writes share
// batches. It returns one of the errors.
func (s *Sweeper) passAll(ctx context.Context, places []place, now time.Time) error {
	var work sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		work.Go(func() {
			for i := w; i < len(places) && ctx.Err() == nil; i += workers {
				if err := s.pass(ctx, places[i], now); err != nil {
					errs[w] = fmt.Errorf("issue %s/%s: %w", places[i].namespace, places[i].name, err)
				}
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// pass lets time pass for one issue. Somebody else may be faster.
func (s *Sweeper) pass(ctx context.Context, at place, now time.Time) error {
	ctx = genericapirequest.WithNamespace(ctx, at.namespace)
	issue, err := s.issues.UpdateDecided(ctx, at.name, func(current *issues.Issue) (*issues.Issue, error) {
		return rules.Elapse(current, now), nil
	}, nil)
	if err == nil && rules.Removable(issue, now, s.retention.Resolved) {
		err = s.remove(ctx, issue)
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// remove deletes an issue as it was seen: what has happened to it since keeps it.
func (s *Sweeper) remove(ctx context.Context, issue *issues.Issue) error {
	options := &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &issue.UID, ResourceVersion: &issue.ResourceVersion}}
	_, _, err := s.issues.Delete(ctx, issue.Name, rest.ValidateAllObjectFunc, options)
	return err
}
