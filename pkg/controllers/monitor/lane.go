// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	// workersForNamespace is how many workers the monitors of a namespace have at most, so
	// that slow ones leave some to all others, and workersForCluster what those of the cluster
	// have together.
	workersForNamespace = 2
	workersForCluster   = workers - workersForNamespace
)

// lanes keep the tasks of one namespace's monitors from having all workers.
type lanes struct {
	mu     sync.Mutex
	busy   map[string]int
	parked map[string]sets.Set[task]
}

func newLanes() *lanes {
	return &lanes{busy: map[string]int{}, parked: map[string]sets.Set[task]{}}
}

// enter is false for a task that has to wait: leave returns it.
func (l *lanes) enter(t task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	namespace, most := t.monitor.Namespace, workersForNamespace
	if namespace == "" {
		most = workersForCluster
	}
	if l.busy[namespace] < most {
		l.busy[namespace]++
		return true
	}
	if l.parked[namespace] == nil {
		l.parked[namespace] = sets.New[task]()
	}
	l.parked[namespace].Insert(t)
	return false
}

// leave returns one that has waited, if there is any, for the queue. When that one leaves, it
// returns the next.
func (l *lanes) leave(t task) (task, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	namespace := t.monitor.Namespace
	if l.busy[namespace]--; l.busy[namespace] == 0 {
		delete(l.busy, namespace)
	}
	next, ok := l.parked[namespace].PopAny()
	if l.parked[namespace].Len() == 0 {
		delete(l.parked, namespace)
	}
	return next, ok
}
