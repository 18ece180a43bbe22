// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestLanes: what waits is not lost, however tasks come and go.
func TestLanes(t *testing.T) {
	t.Parallel()
	l, of := newLanes(), func(i int) task { return problemTask(own, namespace, fmt.Sprint(i)) }
	require.True(t, l.enter(of(0)))
	require.True(t, l.enter(of(1)))
	require.False(t, l.enter(of(2)))
	require.False(t, l.enter(of(3)))
	require.False(t, l.enter(of(3)), "once is enough")
	for i := range workersForCluster {
		require.True(t, l.enter(problemTask(cluster, namespace, fmt.Sprint(i))), "those of the cluster have their own")
	}
	require.False(t, l.enter(problemTask(cluster, namespace, "last")))

	first, ok := l.leave(of(0))
	require.True(t, ok)
	require.True(t, l.enter(first))
	second, ok := l.leave(of(1))
	require.True(t, ok)
	require.ElementsMatch(t, []task{of(2), of(3)}, []task{first, second})
	require.True(t, l.enter(second))
	for _, left := range []task{first, second} {
		_, ok = l.leave(left)
		require.False(t, ok)
	}
	require.NotContains(t, l.busy, namespace)
	require.NotContains(t, l.parked, namespace)
}

// TestSlowDescriptions of one namespace's issues leave workers to the monitors of others.
func TestSlowDescriptions(t *testing.T) {
	t.Parallel()
	other := newMonitor()
	other.Namespace = "team-0"
	w := newWorld(t, newMonitor(), other)
	w.refuse = func(spec issuesv1alpha1.IssueReportSpec) error {
		if strings.HasPrefix(spec.Issue.Title, "slow-") {
			return errors.New("away")
		}
		return nil
	}
	all := []string{"z Active"}
	for i := range 2 * workers {
		name := fmt.Sprint("slow-", i)
		w.put(gadget(name, "bad", -60))
		all = append(all, name+" Active")
	}
	slices.Sort(all)
	w.run()
	w.status(own, func(s issuesv1alpha1.IssueMonitorStatus) bool { return s.Failing == 2*workers })
	begun, end := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- w.controller.turns.Do(t.Context(), namespace, func() {
			close(begun)
			<-end
		})
	}()
	<-begun
	w.clock.Step(longestRetry)
	w.eventually(func() bool {
		w.controller.lanes.mu.Lock()
		defer w.controller.lanes.mu.Unlock()
		return len(w.controller.lanes.parked) > 0
	}, "some wait")
	w.put(gadget("z", "bad", -60, in("team-0")))
	w.seeLater("z Active")
	close(end)
	require.NoError(t, <-ended)
	w.answer()
	w.seeLater(all...)
}
