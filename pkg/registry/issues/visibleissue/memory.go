// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// remembered is for how many callers a memory remembers what they were shown.
const remembered = 4096

// listAge is for how long a list's revision may be the one that a watch goes on from
// while nothing is written: for longer, it may be another client's revision, which that
// client was shown when the caller's rights were others.
const listAge = 30 * time.Second

// memory remembers in which scope this replica answered each caller, so that a watch
// that goes on from a revision can be told apart from one whose caller has seen, or has
// not seen, namespaces that the watch would say nothing of.
type memory struct {
	answers *lru.Cache
	clock   clock.PassiveClock
}

// answer says that a caller was shown the scope at revision rev, the last time at that
// revision at the given time.
type answer struct {
	scope scope
	rev   uint64
	at    time.Time
}

func newMemory(clock clock.PassiveClock) memory { return memory{lru.New(remembered), clock} }

// note remembers an answer. The pages of one list are one answer: it is forgotten when
// they were not of one scope.
func (m memory) note(key callerKey, s scope, revision string, continued bool) {
	rev, err := strconv.ParseUint(revision, 10, 64)
	if err != nil {
		return
	}
	known, ok := m.answer(key)
	same := ok && known.scope.equal(s) && known.rev <= rev
	switch {
	case continued && !same:
		m.answers.Remove(key)
	case !same || known.rev == rev:
		m.answers.Add(key, answer{s, rev, m.clock.Now()})
	}
}

// knows tells whether the caller was shown this scope at the revision.
func (m memory) knows(key callerKey, s scope, revision string) bool {
	rev, err := strconv.ParseUint(revision, 10, 64)
	known, ok := m.answer(key)
	if err != nil || !ok || !known.scope.equal(s) {
		return false
	}
	return known.rev < rev || known.rev == rev && m.clock.Since(known.at) <= listAge
}

func (m memory) answer(key callerKey) (answer, bool) {
	value, _ := m.answers.Get(key)
	known, ok := value.(answer)
	return known, ok
}

// callerKey tells callers apart, and their requests for one namespace from those for all.
type callerKey [sha256.Size]byte

func keyOf(u user.Info, q *query) callerKey {
	groups := slices.Sorted(slices.Values(u.GetGroups()))
	namespace, _ := q.namespace()
	text, _ := json.Marshal([]any{u.GetName(), groups, namespace}) //nolint:errchkjson // strings
	return sha256.Sum256(text)
}
