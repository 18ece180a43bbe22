// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// churn is what several writers do to the issues of a namespace at the same time.
type churn struct {
	stop    chan struct{}
	writers sync.WaitGroup

	mu sync.Mutex
	// acknowledged is what must be there, by what the writers were told.
	acknowledged map[string]version
	writes       int
	newest       uint64
	// refusals are answers that asked to try again, with how often they came.
	refusals map[string]int
	failure  error
}

// startChurn starts writers, each with a client and issues of its own. They stop with the test at the latest.
func startChurn(t *testing.T, m *team, writers int) *churn {
	t.Helper()
	c := &churn{stop: make(chan struct{}), acknowledged: map[string]version{}, refusals: map[string]int{}}
	for i := range writers {
		cfg := rest.CopyConfig(m.developer)
		cfg.QPS, cfg.Burst = 10, 10
		client := clientFor(t, cfg).IssuesV1alpha1()
		w := &writer{
			churn:   c,
			prefix:  fmt.Sprintf("writer-%d", i),
			issues:  client.Issues(m.namespace),
			reports: client.IssueReports(m.namespace),
		}
		c.writers.Go(func() { w.run(t.Context()) })
	}
	t.Cleanup(c.writers.Wait)
	return c
}

// finish lets the writers complete what they are at, and returns what must be there.
func (c *churn) finish() (acknowledged map[string]version, refusals map[string]int, err error) {
	close(c.stop)
	c.writers.Wait()
	return c.acknowledged, c.refusals, c.failure
}

// proceed waits until the writers were told of n more writes, and returns the newest revision by then.
func (c *churn) proceed(t *testing.T, n int) uint64 {
	t.Helper()
	begin, _, _ := c.progress()
	eventually(t, "the writers go on", func(context.Context) error {
		writes, _, err := c.progress()
		if err == nil && writes < begin+n {
			err = fmt.Errorf("%d of %d writes", writes-begin, n)
		}
		return err
	})
	_, newest, _ := c.progress()
	return newest
}

func (c *churn) progress() (writes int, newest uint64, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes, c.newest, c.failure
}

// acknowledge takes what a writer was told. Without a UID the object is gone.
func (c *churn) acknowledge(name string, v version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.newest = max(c.newest, v.revision())
	if v.UID == "" {
		delete(c.acknowledged, name)
		return
	}
	c.acknowledged[name] = v
}

// refused says whether an answer asks to try again, and counts it.
func (c *churn) refused(err error) bool {
	if err == nil {
		return false
	}
	reason := apierrors.ReasonForError(err)
	switch reason {
	case metav1.StatusReasonUnknown: // no answer at all
	case metav1.StatusReasonForbidden, metav1.StatusReasonUnauthorized: // kube-apiserver starts, and does not know its own rules yet
	case metav1.StatusReasonServiceUnavailable, metav1.StatusReasonTimeout, metav1.StatusReasonServerTimeout,
		metav1.StatusReasonTooManyRequests, metav1.StatusReasonConflict:
	default:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusals[string(reason)]++
	return true
}

// writer changes issues that no other writer knows of.
type writer struct {
	churn   *churn
	prefix  string
	issues  issuesclient.IssueInterface
	reports issuesclient.IssueReportInterface
	mine    map[string]version
	serial  int
}

func (w *writer) run(ctx context.Context) {
	w.mine = map[string]version{}
	for {
		select {
		case <-w.churn.stop:
			return
		default:
		}
		if err := w.step(ctx); err != nil {
			w.churn.mu.Lock()
			defer w.churn.mu.Unlock()
			w.churn.failure = fmt.Errorf("%s: %w", w.prefix, err)
			return
		}
	}
}

// step makes one write.
func (w *writer) step(ctx context.Context) error {
	w.serial++
	choice := rand.IntN(10)
	if len(w.mine) == 0 {
		choice = 0
	}
	switch {
	case choice < 3:
		return w.create(ctx, fmt.Sprintf("%s-%d", w.prefix, w.serial))
	case choice < 6:
		return w.report(ctx, fmt.Sprintf("%s-reported-%d", w.prefix, rand.IntN(5)))
	case choice < 8:
		return w.update(ctx, w.any())
	default:
		return w.remove(ctx, w.any())
	}
}

func (w *writer) any() string {
	names := slices.Collect(maps.Keys(w.mine))
	return names[rand.IntN(len(names))]
}

// insist repeats a request until its outcome is known. Again says that an earlier attempt
// may have succeeded without our being told.
func (w *writer) insist(ctx context.Context, request func(ctx context.Context, again bool) error) error {
	again := false
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		err := request(ctx, again)
		if w.churn.refused(err) {
			again = true
			return false, nil
		}
		return err == nil, err
	})
}

func (w *writer) acknowledge(name string, v version) {
	w.mine[name] = v
	if v.UID == "" {
		delete(w.mine, name)
	}
	w.churn.acknowledge(name, v)
}

func (w *writer) create(ctx context.Context, name string) error {
	var issue *v1alpha1.Issue
	err := w.insist(ctx, func(ctx context.Context, again bool) (err error) {
		issue, err = w.issues.Create(ctx, newIssue(name), metav1.CreateOptions{})
		if again && apierrors.IsAlreadyExists(err) {
			issue, err = w.issues.Get(ctx, name, metav1.GetOptions{})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	w.acknowledge(name, version{issue.UID, issue.ResourceVersion})
	return nil
}

func (w *writer) update(ctx context.Context, name string) error {
	patch := fmt.Appendf(nil, `{"spec":{"title":"Change %d"}}`, w.serial)
	var issue *v1alpha1.Issue
	err := w.insist(ctx, func(ctx context.Context, _ bool) (err error) {
		issue, err = w.issues.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("update %s: %w", name, err)
	}
	w.acknowledge(name, version{issue.UID, issue.ResourceVersion})
	return nil
}

// report changes the status of an issue, or makes it.
func (w *writer) report(ctx context.Context, component string) error {
	report := newReport(component, v1alpha1.OutcomeFailed)
	var answer *v1alpha1.IssueReport
	err := w.insist(ctx, func(ctx context.Context, _ bool) (err error) {
		answer, err = w.reports.Create(ctx, report, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("report %s: %w", component, err)
	}
	for _, issue := range answer.Status.Issues {
		w.acknowledge(issue.Name, version{issue.UID, issue.ResourceVersion})
	}
	return nil
}

func (w *writer) remove(ctx context.Context, name string) error {
	err := w.insist(ctx, func(ctx context.Context, again bool) error {
		err := w.issues.Delete(ctx, name, metav1.DeleteOptions{})
		if again && apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	w.acknowledge(name, version{})
	return nil
}
