// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// outage is how long Kite cannot answer.
	outage = 60 * time.Second
	// afterRestart is the part of it that is left when kube-controller-manager is restarted.
	afterRestart = 20 * time.Second
)

// TestDatabaseOutage shows that a cluster without Kite's database misses the issues, and nothing else.
//
//nolint:paralleltest // it kills parts of the cluster
func TestDatabaseOutage(t *testing.T) {
	b := newBystanders(t)
	h := b.team.host
	available := h.available(t)
	b.create(t)

	h.kill(t, "postgres")
	begin := time.Now()
	b.deleteNamespace(t)
	check := func() {
		b.seeRefusal(t, "ServiceUnavailable")
		require.Contains(t, b.seeKubectl(t), "issues.issues.kite.dev")
		b.seeOthers(t)
		require.Equal(t, available, h.available(t), "the APIService is Available all the time")
	}
	throughout(t, outage-afterRestart, begin, check)
	h.restart(t, "kube-controller-manager")
	throughout(t, outage, begin, check)
	b.seeControllers(t)

	h.start(t, "postgres")
	b.seeRecovery(t)
	require.Equal(t, available, h.available(t), "the APIService is Available all the time")
}

// TestReplicasOutage shows the same without any replica of kite-apiserver. Then the
// APIService is not Available, and discovery says so.
//
//nolint:paralleltest // it takes Kite away
func TestReplicasOutage(t *testing.T) {
	b := newBystanders(t)
	h := b.team.host
	b.create(t)

	h.removeReplicas(t)
	begin := time.Now()
	b.deleteNamespace(t)
	check := func() {
		b.seeRefusal(t, "")
		b.seeKubectl(t)
		b.seeOthers(t)
	}
	throughout(t, outage-afterRestart, begin, check)
	h.restart(t, "kube-controller-manager")
	throughout(t, outage, begin, check)
	b.seeControllers(t)

	h.scale(t, 2)
	h.waitAvailable(t, true)
	b.seeRecovery(t)
	h.readyReplicas(t)
}

// throughout repeats a check every second, until an outage has lasted for so long.
func throughout(t *testing.T, duration time.Duration, begin time.Time, check func()) {
	t.Helper()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for time.Since(begin) < duration {
		check()
		<-ticker.C
	}
}
