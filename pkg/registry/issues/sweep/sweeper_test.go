// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/registry/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// encrypted is a database whose issues have no rows.
type encrypted bool

func (e encrypted) Query(_ context.Context, sql string, _, dest []any, row func() error) error {
	if sql != incompleteSQL {
		return nil
	}
	*dest[0].(*bool) = bool(e)
	return row()
}

// memory keeps issues and counts what is done to them. It lists one in each page.
type memory struct {
	mu      sync.Mutex
	issues  map[string]*issues.Issue
	writes  int
	removed []string
	// meddle is called once before a deletion.
	meddle func()
	fails  error
	// broken is an issue that cannot be written.
	broken string
}

func (m *memory) UpdateDecided(_ context.Context, name string, decide func(*issues.Issue) (*issues.Issue, error), _ []string) (*issues.Issue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	current, ok := m.issues[name]
	if !ok {
		return nil, apierrors.NewNotFound(issues.Resource("issues"), name)
	}
	next, err := decide(current)
	if err != nil || m.fails != nil {
		return nil, errors.Join(err, m.fails)
	}
	if next != current && name == m.broken {
		return nil, errors.New("too large")
	}
	if next != current {
		m.writes++
		next.ResourceVersion += "x"
		m.issues[name] = next
	}
	return next, nil
}

func (m *memory) Delete(_ context.Context, name string, _ rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	if m.meddle != nil {
		m.meddle()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if *options.Preconditions.ResourceVersion != m.issues[name].ResourceVersion {
		return nil, false, apierrors.NewConflict(issues.Resource("issues"), name, errors.New("changed"))
	}
	delete(m.issues, name)
	m.removed = append(m.removed, name)
	return nil, true, nil
}

func (m *memory) List(_ context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := &issues.IssueList{}
	for _, name := range []string{"a", "b", "c"} {
		if name <= options.Continue || m.issues[name] == nil {
			continue
		}
		list.Items, list.Continue = []issues.Issue{*m.issues[name]}, name
		return list, nil
	}
	return list, nil
}

// newMemory has an issue that expires after an hour, one that was resolved at once, and
// one that time does nothing to.
func newMemory() *memory {
	m := &memory{issues: map[string]*issues.Issue{}}
	for name, expires := range map[string]time.Duration{"a": time.Hour, "b": 0, "c": 0} {
		issue := &issues.Issue{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team", UID: types.UID(name), ResourceVersion: "1"}}
		if expires > 0 {
			issue.Spec.ExpiresAfter = &metav1.Duration{Duration: expires}
		}
		rules.PrepareCreate(issue, "ann", epoch)
		m.issues[name] = issue
	}
	m.issues["b"], _ = rules.Resolve(m.issues["b"], "ann", &issues.IssueResolution{}, epoch)
	return m
}

func newSweeper(m *memory, tables Tables, now time.Time) *Sweeper {
	return New(m, tables, Retention{Resolved: 2 * time.Hour}, clocktesting.NewFakeClock(now))
}

// TestSweepAll: where the database cannot tell what is due, all issues are read.
func TestSweepAll(t *testing.T) {
	t.Parallel()
	m := newMemory()
	require.NoError(t, newSweeper(m, encrypted(false), epoch.Add(3*time.Hour)).sweepAll(t.Context()))
	require.Zero(t, m.writes, "the database can tell")
	require.NoError(t, newSweeper(m, encrypted(true), epoch.Add(time.Minute)).sweepAll(t.Context()))
	require.Zero(t, m.writes, "nothing is due")

	late := newSweeper(m, encrypted(true), epoch.Add(150*time.Minute))
	for range 2 {
		require.NoError(t, late.sweepAll(t.Context()))
		require.Equal(t, 1, m.writes)
		require.Equal(t, issues.StateResolved, m.issues["a"].Status.State)
		require.Equal(t, []string{"b"}, m.removed, "the other was resolved an hour later")
	}
}

// TestSweepAllGoesOn: an issue that cannot be written keeps none after it waiting.
func TestSweepAllGoesOn(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.broken = "a"
	err := newSweeper(m, encrypted(true), epoch.Add(150*time.Minute)).sweepAll(t.Context())
	require.ErrorContains(t, err, "issue team/a: too large")
	require.Equal(t, []string{"b"}, m.removed)
}

// TestPass: what somebody else did meanwhile is no error, and is not undone.
func TestPass(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := newSweeper(m, encrypted(false), epoch.Add(3*time.Hour))
	require.NoError(t, s.pass(t.Context(), place{"team", "gone"}, s.clock.Now()))
	m.meddle = func() {
		m.issues["b"], _ = rules.Reopen(m.issues["b"], "ann", epoch.Add(3*time.Hour))
		m.issues["b"].ResourceVersion = "2"
	}
	require.NoError(t, s.pass(t.Context(), place{"team", "b"}, s.clock.Now()))
	require.Equal(t, issues.StateActive, m.issues["b"].Status.State, "it was reopened in between")

	m.fails = errors.New("no database")
	err := s.passAll(t.Context(), []place{{"team", "a"}, {"team", "c"}}, s.clock.Now())
	require.ErrorContains(t, err, "issue team/a: no database")
}

func TestPlace(t *testing.T) {
	t.Parallel()
	require.Equal(t, place{"team", "a"}, deadline{key: fmt.Sprintf("/%s/issues/team/a", issues.GroupName)}.place())
}
