// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// convergence is how long a client may take until it has what there is.
const convergence = 30 * time.Second

// TestFollowers lets clients that nobody of us wrote follow the writes of others while
// everything on the way to them is killed in turn.
//
//nolint:paralleltest // it kills parts of the cluster
func TestFollowers(t *testing.T) {
	m := newTeam(t)
	h := m.host
	killable(t, h)
	followers := follow(t, m)
	churn := startChurn(t, m, 8)

	for _, fault := range []struct {
		name   string
		inject func()
	}{
		{"one replica is killed", func() { h.crash(t, &h.readyReplicas(t)[0]) }},
		{"the other is killed", func() { h.crash(t, &h.readyReplicas(t)[1]) }},
		{"kube-apiserver is restarted", func() { h.restart(t, "kube-apiserver") }},
		{"the database is restarted", func() { h.restart(t, "postgres") }},
	} {
		churn.proceed(t, 100)
		begin := time.Now()
		fault.inject()
		newest := churn.proceed(t, 100)
		for _, f := range followers {
			caughtUp(t, f, newest)
		}
		t.Logf("%s: all have seen revision %d after %s", fault.name, newest, time.Since(begin).Round(time.Millisecond))
	}

	acknowledged, refusals, err := churn.finish()
	require.NoError(t, err)
	t.Logf("%d issues in the end; answers that asked to try again: %v", len(acknowledged), refusals)
	require.Equal(t, acknowledged, listed(t, m), "what was acknowledged is there, and nothing else")
	for _, f := range followers {
		converged(t, f, acknowledged)
	}
}

// listed is the truth.
func listed(t *testing.T, m *team) map[string]version {
	t.Helper()
	list, err := m.issues(t).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	issues := map[string]version{}
	for _, issue := range list.Items {
		issues[issue.Name] = version{issue.UID, issue.ResourceVersion}
	}
	return issues
}

// caughtUp waits until a follower has seen a revision.
func caughtUp(t *testing.T, f *follower, revision uint64) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, newest, _ := f.state()
		return newest >= revision
	}, convergence, 10*time.Millisecond, "%s follows", f.name)
}

// converged waits until a follower has what there is, and looks at what it was told on the way.
func converged(t *testing.T, f *follower, want map[string]version) {
	t.Helper()
	var got map[string]version
	_ = wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, convergence, true, func(context.Context) (bool, error) {
		got, _, _ = f.state()
		return maps.Equal(got, want), nil
	})
	require.Equal(t, want, got, f.name)
	_, _, wrong := f.state()
	require.Empty(t, wrong, f.name)
}
