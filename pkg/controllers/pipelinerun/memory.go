// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// memory holds what was settled for each run that exists, so that the many
// updates which a run still gets after its end cost no request. About 150 bytes
// a run. Losing it costs one report for each run that is no history, and that
// changes nothing.
type memory struct {
	mu   sync.Mutex
	runs map[types.NamespacedName]settled
}

type settled struct {
	uid     types.UID
	verdict verdict
}

func newMemory() *memory {
	return &memory{runs: make(map[types.NamespacedName]settled)}
}

func (m *memory) has(key types.NamespacedName, s settled) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[key] == s
}

func (m *memory) keep(key types.NamespacedName, s settled) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[key] = s
}

func (m *memory) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.runs, key)
}
