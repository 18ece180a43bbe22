// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

// poisons are texts that PostgreSQL refuses, or that mean something to SQL, to its
// arrays or to an index.
var poisons = map[string]string{
	"nul":            "a\x00b",
	"only nul":       "\x00",
	"surrogate":      "a\xed\xa0\x80b",
	"truncated":      "a\xe2\x82",
	"cut at its end": strings.Repeat("é", 1<<19),
	"large":          strings.Repeat("x", 1<<20),
	"separator":      "a\x1fb",
	"quotes":         `a'; DROP TABLE objects; --"$1\`,
	"array":          `{a,"b",NULL}`,
	"pattern":        `%_\%`,
	"replacement":    "a\uFFFDb",
	"empty":          "",
}

// poisonedPods are pods by name that stand for objects with one poisoned field each.
type poisonedPods map[string]poisonedField

type poisonedField struct {
	column int
	text   string
	// value is what the column projects.
	value string
}

func (p poisonedPods) name(column int, kind string) string {
	return fmt.Sprintf("poisoned-%d-%s", column, strings.ReplaceAll(kind, " ", "-"))
}

func (p poisonedPods) field(name string, column int, match postgres.Match) poisonedField {
	if poisoned, ok := p[name]; ok && poisoned.column == column {
		return poisoned
	}
	return newPoisonedField(column, match, "plain")
}

func newPoisonedField(column int, match postgres.Match, text string) poisonedField {
	field := poisonedField{column: column, text: text, value: text}
	switch match {
	case postgres.HasMember:
		field.value = postgres.JoinMembers([]string{text, "second"})
	case postgres.Contains:
		field.value = strings.ToLower(text)
	case postgres.Equals:
	}
	return field
}

// columnSelector asks for one value in one column, as the selectors of issues do.
type columnSelector struct {
	requirements

	pods  poisonedPods
	want  poisonedField
	match postgres.Match
}

func (s columnSelector) Matches(attrs fields.Fields) bool {
	have := s.pods.field(attrs.Get("metadata.name"), s.want.column, s.match)
	if s.match == postgres.Contains {
		return strings.Contains(have.value, s.want.value)
	}
	return have.text == s.want.text
}

// TestPoisonInProjections writes every poison into every column that selectors of
// issues use, in one batch with sound neighbours. A new column is part of it by itself.
func TestPoisonInProjections(t *testing.T) {
	t.Parallel()
	pods := poisonedPods{}
	projection := issue.Projection()
	projection.Prefix = "/pods/"
	for i, column := range projection.Columns {
		projection.Columns[i].Value = func(obj runtime.Object) string {
			return pods.field(obj.(*example.Pod).Name, i, column.Match).value
		}
		for kind, text := range poisons {
			pods[pods.name(i, kind)] = newPoisonedField(i, column.Match, text)
		}
	}
	c := newCluster(t)
	engine, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = projection })
	release := c.occupyWriters(t, engine, store)
	var work sync.WaitGroup
	write := func(name string) {
		work.Go(func() {
			if err := store.Create(context.Background(), key(name), newPod(name), nil, 0); err != nil {
				t.Errorf("create %s: %v", name, err)
			}
		})
	}
	for name := range pods {
		write(name)
		write("neighbour-of-" + name)
	}
	require.Eventually(t, func() bool { return engine.Queued() == 2*len(pods) }, patience, time.Millisecond)
	release()
	work.Wait()
	require.Empty(t, c.trace.all(), "no statement failed")
	require.Equal(t, 2*len(pods)+2, queryOne[int](t, c, "SELECT count(*) FROM issues"))

	all := listPods(t, store, fields.Everything())
	for i, column := range projection.Columns {
		for kind, text := range poisons {
			selector := columnSelector{
				requirements{{Field: column.Field, Operator: selection.Equals, Value: text}},
				pods, newPoisonedField(i, column.Match, text), column.Match,
			}
			want := []string{}
			for _, name := range all {
				if selector.Matches(fields.Set{"metadata.name": name}) {
					want = append(want, name)
				}
			}
			require.Equal(t, want, listPods(t, store, selector), "%s = %s", column.Field, kind)
			require.Contains(t, want, pods.name(i, kind))
		}
	}
	require.Empty(t, c.trace.all(), "no statement failed")
}

func listPods(t testing.TB, store *postgres.Store, selector fields.Selector) []string {
	t.Helper()
	list := &example.PodList{}
	require.NoError(t, store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: predicate(selector)}, list))
	names := []string{}
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// TestPoisonBesideNeighbours: what PostgreSQL refuses after all costs its neighbours in
// the batch nothing.
func TestPoisonBesideNeighbours(t *testing.T) {
	t.Parallel()
	incompressible := func(n int) string {
		var text strings.Builder
		for i := 0; text.Len() < n; i++ {
			text.WriteString(strconv.FormatInt(int64(i)*7919, 36))
		}
		return text.String()
	}
	for name, tc := range map[string]struct {
		reason string
		key    string
		pod    *example.Pod
		want   answer
	}{
		"nul in a key":      {"refused before it waits", key("a\x00b"), newPod("a"), badRequest},
		"broken key":        {"refused before it waits", key("a\xff"), newPod("a"), badRequest},
		"key of 1 MB":       {"longer than an index holds", key(incompressible(1 << 20)), newPod("a"), tooLarge},
		"object over 1 MiB": {"refused before it waits", key("huge"), claims("huge", strings.Repeat("x", 1<<20)), tooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			engine, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Claim = nil })
			release := c.occupyWriters(t, engine, store)
			var work sync.WaitGroup
			for i := range 20 {
				work.Go(func() {
					name := fmt.Sprintf("neighbour-%d", i)
					if err := store.Create(context.Background(), key(name), newPod(name), nil, 0); err != nil {
						t.Errorf("create %s: %v", name, err)
					}
				})
			}
			var refused error
			work.Go(func() { refused = store.Create(context.Background(), tc.key, tc.pod, nil, 0) })
			require.Eventually(t, func() bool { return engine.Queued() >= 20 }, patience, time.Millisecond)
			release()
			work.Wait()
			got, text := answerOf(t, refused)
			require.Equal(t, tc.want, got, tc.reason)
			requireDiscreet(t, text)
			require.Equal(t, 22, queryOne[int](t, c, "SELECT count(*) FROM objects"))
			requireGapless(t, c)
		})
	}
}

func continueToken(start string, rv any) string {
	quoted, err := json.Marshal(start)
	if err != nil {
		panic(err)
	}
	return encodeToken(fmt.Sprintf(`{"v":"meta.k8s.io/v1","rv":%v,"start":%s}`, rv, quoted))
}

func encodeToken(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// TestForgedContinueTokens: whoever makes a token up learns nothing of other
// namespaces or resources, and nothing of the database.
func TestForgedContinueTokens(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	other, err := postgres.NewStore(engine, func() postgres.StoreConfig {
		cfg := podStore()
		cfg.Prefix = "/hidden/"
		return cfg
	}())
	require.NoError(t, err)
	for _, name := range []string{"/pods/a/1", "/pods/ns/1", "/pods/ns/2", "/pods/z/1"} {
		require.NoError(t, store.Create(t.Context(), name, newPod(name), nil, 0))
	}
	require.NoError(t, other.Create(t.Context(), "/hidden/ns/1", newPod("hidden"), nil, 0))
	newest := c.newest(t)
	all := []string{"/pods/ns/1", "/pods/ns/2"}
	for name, tc := range map[string]struct {
		reason string
		token  string
		want   []string
		code   int32
	}{
		"honest":          {"from behind the first", continueToken("1\x00", newest), all[1:], 0},
		"from the start":  {"all of the namespace, no more", continueToken("0", newest), all, 0},
		"newest":          {"a negative revision is the newest", continueToken("0", -1), all, 0},
		"very negative":   {"a negative revision is the newest", continueToken("0", math.MinInt64), all, 0},
		"other namespace": {"it stays below the namespace", continueToken("../a/1", newest), nil, http.StatusBadRequest},
		"other resource":  {"it stays below the resource", continueToken("../../hidden/ns/1", newest), nil, http.StatusBadRequest},
		"absolute":        {"a path is relative to the namespace", continueToken("/pods/a/1", newest), []string{}, 0},
		"dots":            {"not a clean path", continueToken("./1", newest), nil, http.StatusBadRequest},
		"slashes":         {"not a clean path", continueToken("//1", newest), nil, http.StatusBadRequest},
		"nul inside":      {"no key holds it", continueToken("1\x00\x00", newest), nil, http.StatusBadRequest},
		"only nul":        {"nothing lies before it", continueToken("\x00", -1), all, 0},
		"huge key":        {"longer than any key", continueToken(strings.Repeat("x", 1<<20), newest), []string{}, 0},
		"future":          {"no server handed it out", continueToken("0", newest+1), nil, http.StatusGone},
		"far future":      {"no server handed it out", continueToken("0", math.MaxInt64), nil, http.StatusGone},
		"too large a rv":  {"not a number of 64 bits", continueToken("0", "9223372036854775808"), nil, http.StatusBadRequest},
		"a fraction":      {"not an integer", continueToken("0", 1.5), nil, http.StatusBadRequest},
		"no rv":           {"0 is none", continueToken("0", 0), nil, http.StatusBadRequest},
		"no key":          {"required", continueToken("", newest), nil, http.StatusBadRequest},
		"truncated":       {"half a token", continueToken("0", newest)[:10], nil, http.StatusBadRequest},
		"not base64":      {"noise", "%%%", nil, http.StatusBadRequest},
		"not JSON":        {"noise", encodeToken("noise"), nil, http.StatusBadRequest},
		"future version":  {"unknown", encodeToken(`{"v":"v2","rv":1,"start":"0"}`), nil, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := storage.ListOptions{Recursive: true, Predicate: everything()}
			opts.Predicate.Continue, opts.Predicate.Limit = tc.token, 500
			list := &example.PodList{}
			err := store.GetList(t.Context(), "/pods/ns/", opts, list)
			if tc.code != 0 {
				got, text := answerOf(t, err)
				require.Equal(t, tc.code, got.code, "%s: %v", tc.reason, err)
				requireDiscreet(t, text)
				return
			}
			require.NoError(t, err, tc.reason)
			names := []string{}
			for i := range list.Items {
				names = append(names, list.Items[i].Name)
			}
			require.Equal(t, tc.want, names, tc.reason)
		})
	}
	require.Empty(t, c.trace.all(), "no statement failed")
}

// TestStrangeRevisions: a revision that cannot be is refused, and never taken for
// another.
func TestStrangeRevisions(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	create(t, store, newPod("a"))
	tooLargeRevision := answer{http.StatusGatewayTimeout, metav1.StatusReasonTimeout, 1}
	for rv, want := range map[string]answer{
		"x": badRequest, "-1": badRequest, "1.5": badRequest, "0x1": badRequest, "\x201": badRequest, "1\x00": badRequest, "٣": badRequest,
		"18446744073709551616": badRequest, strings.Repeat("9", 1<<16): badRequest,
		"18446744073709551615": tooLargeRevision, "9223372036854775808": tooLargeRevision, "9223372036854775807": tooLargeRevision,
	} {
		for _, match := range []metav1.ResourceVersionMatch{"", metav1.ResourceVersionMatchNotOlderThan, metav1.ResourceVersionMatchExact} {
			for _, limit := range []int64{0, 1} {
				opts := storage.ListOptions{Recursive: true, Predicate: everything(), ResourceVersion: rv, ResourceVersionMatch: match}
				opts.Predicate.Limit = limit
				got, text := answerOf(t, store.GetList(t.Context(), "/pods/", opts, &example.PodList{}))
				require.Equal(t, want.code, got.code, "list %.30q %s %d", rv, match, limit)
				requireDiscreet(t, text)
			}
		}
		got, text := answerOf(t, store.Get(t.Context(), key("a"), storage.GetOptions{ResourceVersion: rv}, &example.Pod{}))
		require.Equal(t, want.code, got.code, "get %.30q", rv)
		requireDiscreet(t, text)
	}
	require.Empty(t, c.trace.all(), "no statement failed")
}

// TestHugeWatchRevision: it is in the future. A watch waits for it, as in etcd, and is
// not told what happens before.
func TestHugeWatchRevision(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	create(t, store, newPod("a"))
	rev := c.newest(t)
	present := startWatch(t.Context(), t, store, rev)
	for _, huge := range []string{"18446744073709551615", "9223372036854775808", "9223372036854775807"} {
		opts := storage.ListOptions{Recursive: true, Predicate: everything(), ResourceVersion: huge}
		future, err := store.Watch(t.Context(), "/pods/", opts)
		require.NoError(t, err)
		t.Cleanup(future.Stop)

		opts.SendInitialEvents, opts.Predicate.AllowWatchBookmarks = new(true), true
		_, err = store.Watch(t.Context(), "/pods/", opts)
		require.True(t, storage.IsTooLargeResourceVersion(err), "%s: %v", huge, err)

		rev++
		_, err = update(t.Context(), store, "a", increment)
		require.NoError(t, err)
		requireRevisions(t, present, rev, rev)
		require.Empty(t, future.ResultChan(), "%s", huge)
	}
}

// TestPoisonedSelectors: whatever a selector asks for, it is answered.
func TestPoisonedSelectors(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t, func(cfg *postgres.StoreConfig) {
		projection := issue.Projection()
		projection.Prefix = "/pods/"
		for i := range projection.Columns {
			projection.Columns[i].Value = func(runtime.Object) string { return "plain" }
		}
		cfg.Projection = projection
	})
	create(t, store, newPod("a"))
	for _, column := range issue.Projection().Columns {
		for kind, text := range poisons {
			for _, operator := range []selection.Operator{selection.Equals, selection.DoubleEquals, selection.NotEquals, "strange"} {
				selector := requirements{{Field: column.Field, Operator: operator, Value: text}}
				require.Empty(t, listPods(t, store, selector), "%s %s %s", column.Field, operator, kind)
			}
		}
	}
	require.Empty(t, c.trace.all(), "no statement failed")
}

// requirements is a selector that nothing matches, of any requirements.
type requirements fields.Requirements

func (r requirements) Matches(fields.Fields) bool                              { return false }
func (r requirements) Empty() bool                                             { return false }
func (r requirements) RequiresExactMatch(string) (string, bool)                { return "", false }
func (r requirements) Transform(fields.TransformFunc) (fields.Selector, error) { return r, nil }
func (r requirements) Requirements() fields.Requirements                       { return fields.Requirements(r) }

func (r requirements) String() string { return fmt.Sprint(fields.Requirements(r)) }

func (r requirements) DeepCopySelector() fields.Selector { return slices.Clone(r) }

// all are the errors that PostgreSQL answered, by SQLSTATE.
func (s *trace) all() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states
}
