// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/authentication/user"
	testclock "k8s.io/utils/clock/testing"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	before, after := scope{namespaces: []string{"a", "b"}}, scope{namespaces: []string{"a"}}
	cases := map[string]struct {
		reason string
		do     func(m memory, key callerKey, clock *testclock.FakeClock)
		rev    string
		want   bool
	}{
		"nothing known": {reason: "another replica may have shown more", do: func(memory, callerKey, *testclock.FakeClock) {}, rev: "5"},
		"listed":        {reason: "the watch follows its list", do: func(m memory, k callerKey, _ *testclock.FakeClock) { m.note(k, after, "5", false) }, rev: "5", want: true},
		"later":         {reason: "a watch that goes on", do: func(m memory, k callerKey, _ *testclock.FakeClock) { m.note(k, after, "5", false) }, rev: "6", want: true},
		"listed again": {reason: "the oldest revision of one scope counts", do: func(m memory, k callerKey, _ *testclock.FakeClock) {
			m.note(k, after, "5", false)
			m.note(k, after, "9", false)
		}, rev: "6", want: true},
		"earlier":           {reason: "the caller knows a revision from before", do: func(m memory, k callerKey, _ *testclock.FakeClock) { m.note(k, after, "5", false) }, rev: "4"},
		"shown more before": {reason: "what was taken away would stay", do: func(m memory, k callerKey, _ *testclock.FakeClock) { m.note(k, before, "5", false) }, rev: "6"},
		"changed since": {reason: "revision 6 may be from before the change", do: func(m memory, k callerKey, _ *testclock.FakeClock) {
			m.note(k, before, "5", false)
			m.note(k, after, "7", false)
		}, rev: "6"},
		"nothing written since": {reason: "the revision of the list, but perhaps of an older one, too", do: func(m memory, k callerKey, c *testclock.FakeClock) { m.note(k, after, "5", false); c.Step(time.Minute) }, rev: "5"},
		"listed just now": {reason: "the same revision, listed again", do: func(m memory, k callerKey, c *testclock.FakeClock) {
			m.note(k, after, "5", false)
			c.Step(time.Minute)
			m.note(k, after, "5", false)
		}, rev: "5", want: true},
		"pages of two scopes": {reason: "the first page may show what was taken", do: func(m memory, k callerKey, _ *testclock.FakeClock) {
			m.note(k, before, "5", false)
			m.note(k, after, "5", true)
		}, rev: "5"},
		"pages of one scope": {reason: "a list in pages is one list", do: func(m memory, k callerKey, _ *testclock.FakeClock) {
			m.note(k, after, "5", false)
			m.note(k, after, "5", true)
		}, rev: "5", want: true},
		"no revision": {reason: "bad input knows nothing", do: func(m memory, k callerKey, _ *testclock.FakeClock) { m.note(k, after, "x", false) }, rev: "x"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := testclock.NewFakeClock(time.Unix(0, 0))
			m := newMemory(clock)
			tc.do(m, callerKey{1}, clock)
			require.Equal(t, tc.want, m.knows(callerKey{1}, after, tc.rev), tc.reason)
			require.False(t, m.knows(callerKey{2}, after, tc.rev), "another caller")
		})
	}
}

func TestCallerKey(t *testing.T) {
	t.Parallel()
	all := newQuery(nil)
	one := newQuery(&metainternalversion.ListOptions{FieldSelector: fields.OneTermEqualSelector(fieldNamespace, "a")})
	key := keyOf(&user.DefaultInfo{Name: "ann", Groups: []string{"x", "y"}}, all)
	require.Equal(t, key, keyOf(&user.DefaultInfo{Name: "ann", Groups: []string{"y", "x"}}, all))
	require.NotEqual(t, key, keyOf(&user.DefaultInfo{Name: "ann", Groups: []string{"x", "y"}}, one))
	require.NotEqual(t, key, keyOf(&user.DefaultInfo{Name: "ann", Groups: []string{"x"}}, all))
	require.NotEqual(t, key, keyOf(&user.DefaultInfo{Name: "bob", Groups: []string{"x", "y"}}, all))
}
