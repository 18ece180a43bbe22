// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
)

// podSelector is a field selector over the projected fields of pods. Its attributes
// are those that projectedFields makes.
type podSelector []fields.Requirement

var _ fields.Selector = podSelector(nil)

func (s podSelector) Matches(attrs fields.Fields) bool {
	return !slices.ContainsFunc(s, func(r fields.Requirement) bool {
		var matches bool
		switch value := attrs.Get(r.Field); r.Field {
		case "search":
			matches = strings.Contains(value, strings.ToLower(r.Value))
		case "member":
			matches = slices.Contains(strings.Split(value, " "), r.Value) && r.Value != ""
		default:
			matches = value == r.Value
		}
		return matches == (r.Operator == selection.NotEquals)
	})
}

func (s podSelector) Empty() bool                                             { return len(s) == 0 }
func (s podSelector) RequiresExactMatch(string) (string, bool)                { return "", false }
func (s podSelector) Transform(fields.TransformFunc) (fields.Selector, error) { return s, nil }
func (s podSelector) Requirements() fields.Requirements                       { return fields.Requirements(s) }

func (s podSelector) String() string { return fmt.Sprint([]fields.Requirement(s)) }

func (s podSelector) DeepCopySelector() fields.Selector { return slices.Clone(s) }

func projectedFields(obj runtime.Object) (labels.Set, fields.Set, error) {
	pod := obj.(*example.Pod)
	return pod.Labels, fields.Set{
		"metadata.name": pod.Name, "spec.nodeName": pod.Spec.NodeName,
		"search": strings.ToLower(pod.Status.Message), "member": strings.Join(members(pod), " "),
		"spec.hostname": pod.Spec.Hostname,
	}, nil
}

// snapshot is all pods at one revision, in memory.
type snapshot map[string]*example.Pod

// TestListsAtEveryRevision compares paged lists with selectors, at old revisions and
// while writes go on between the pages, with a model. Bytes end some of the pages that
// they are read in.
func TestListsAtEveryRevision(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			newListModel(t, seed).run(t)
		})
	}
}

type listModel struct {
	random    *rand.Rand
	cluster   *cluster
	stores    []*postgres.Store
	revisions []int64
	snapshots map[int64]snapshot
}

func newListModel(t *testing.T, seed uint64) *listModel {
	t.Helper()
	c := newCluster(t)
	c.exec(t, podTableSQL)
	project := func(cfg *postgres.StoreConfig) { cfg.Projection, cfg.Claim = podProjection(), nil }
	_, one := c.open(t, project)
	_, two := c.open(t, project)
	rev := c.newest(t)
	return &listModel{
		random: rand.New(rand.NewPCG(seed, 1)), cluster: c, stores: []*postgres.Store{one, two},
		revisions: []int64{rev}, snapshots: map[int64]snapshot{rev: {}},
	}
}

func (m *listModel) run(t *testing.T) {
	for range 60 {
		m.write(t)
	}
	for range 150 {
		m.write(t)
		m.list(t)
	}
}

func (m *listModel) store() *postgres.Store {
	store := m.stores[m.random.IntN(len(m.stores))]
	store.SetPageBytes([]int64{1, 700, 3000, 8 << 20}[m.random.IntN(4)])
	return store
}

func (m *listModel) write(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("%02d", m.random.IntN(20))
	before := m.snapshots[m.revisions[len(m.revisions)-1]]
	after := snapshot{}
	maps.Copy(after, before)
	old, exists := before[name]
	switch {
	case !exists:
		pod := newPod(name)
		m.change(pod)
		after[name] = create(t, m.store(), pod)
	case m.random.IntN(4) == 0:
		out := &example.Pod{}
		require.NoError(t, m.store().Delete(t.Context(), key(name), out, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{}))
		delete(after, name)
		m.record(revision(t, out), after)
		return
	default:
		pod, err := update(t.Context(), m.store(), name, m.change)
		require.NoError(t, err)
		if pod.ResourceVersion == old.ResourceVersion {
			return // nothing has changed
		}
		after[name] = pod
	}
	m.record(revision(t, after[name]), after)
}

func (m *listModel) record(rev int64, now snapshot) {
	m.revisions, m.snapshots[rev] = append(m.revisions, rev), now
}

// change gives a pod random fields, some of which no column can hold as they are.
func (m *listModel) change(pod *example.Pod) {
	pick := func(values ...string) string { return values[m.random.IntN(len(values))] }
	pod.Spec.NodeName = pick("", "a", "b", "c", strings.Repeat("a", 63), strings.Repeat("a", 64), "a\x00", "\x00")
	pod.Status.Message = pick("", "Red", "red Green", "grEEn", "blue\x00green")
	pod.Status.Reason = pick("", "x", "x y", "y z", "xy")
	pod.Spec.Hostname = pick("", "h", "i")
}

func (m *listModel) selector() podSelector {
	pick := func(values ...string) string { return values[m.random.IntN(len(values))] }
	operator := func() selection.Operator {
		return []selection.Operator{selection.Equals, selection.DoubleEquals, selection.NotEquals}[m.random.IntN(3)]
	}
	selector := podSelector{}
	if m.random.IntN(2) == 0 {
		value := pick("", "a", "b", strings.Repeat("a", 63), strings.Repeat("a", 64), "a\x00", "nobody")
		selector = append(selector, fields.Requirement{Field: "spec.nodeName", Operator: operator(), Value: value})
	}
	if m.random.IntN(3) == 0 {
		selector = append(selector, fields.Requirement{Field: "search", Operator: operator(), Value: pick("red", "GREEN", "e", "eg", "\x00")})
	}
	if m.random.IntN(3) == 0 {
		selector = append(selector, fields.Requirement{Field: "member", Operator: operator(), Value: pick("x", "y", "xy", "")})
	}
	if m.random.IntN(3) == 0 {
		selector = append(selector, fields.Requirement{Field: "spec.hostname", Operator: operator(), Value: pick("", "h", "i")})
	}
	return selector
}

// list reads one list page by page, writes in between, and compares.
func (m *listModel) list(t *testing.T) {
	t.Helper()
	selector := m.selector()
	rev := m.revisions[m.random.IntN(len(m.revisions))]
	opts := storage.ListOptions{Recursive: true, Predicate: storage.SelectionPredicate{
		Label: labels.Everything(), Field: selector, GetAttrs: projectedFields, Limit: int64(1 + m.random.IntN(7)),
	}}
	if m.random.IntN(3) > 0 {
		opts.ResourceVersion, opts.ResourceVersionMatch = strconv.FormatInt(rev, 10), metav1.ResourceVersionMatchExact
	} else {
		rev = m.revisions[len(m.revisions)-1]
	}
	want := map[string]*example.Pod{}
	for name, pod := range m.snapshots[rev] {
		_, attrs, _ := projectedFields(pod)
		if selector.Matches(attrs) {
			want[name] = pod
		}
	}
	got := map[string]*example.Pod{}
	var order []string
	for {
		list := &example.PodList{}
		require.NoError(t, m.store().GetList(t.Context(), "/pods/", opts, list))
		require.Equal(t, rev, revision(t, list))
		require.LessOrEqual(t, int64(len(list.Items)), opts.Predicate.Limit)
		for i := range list.Items {
			order = append(order, list.Items[i].Name)
			got[list.Items[i].Name] = &list.Items[i]
		}
		if list.Continue == "" {
			break
		}
		opts.Predicate.Continue, opts.ResourceVersion, opts.ResourceVersionMatch = list.Continue, "", ""
		if selector.Empty() {
			require.NotNil(t, list.RemainingItemCount)
			require.EqualValues(t, len(want)-len(order), *list.RemainingItemCount)
		}
		m.write(t)
	}
	require.Empty(t, cmp.Diff(want, got), "revision %d, selector %s", rev, selector)
	require.True(t, slices.IsSorted(order))
	require.Len(t, order, len(want), "an object came twice")
}

// What clients make up is a bad request: never an error of SQL.
func TestForgedInputIsABadRequest(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	create(t, store, newPod("a"))
	token := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	list := func(token string) error {
		pred := everything()
		pred.Continue, pred.Limit = token, 1
		return store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: pred}, &example.PodList{})
	}
	get := func(key string) error { return store.Get(t.Context(), key, storage.GetOptions{}, &example.Pod{}) }
	for name, tc := range map[string]struct {
		reason string
		err    error
	}{
		"NUL in a token":           {"PostgreSQL has none", list(token(`{"v":"meta.k8s.io/v1","rv":1,"start":"a\u0000b\u0000"}`))},
		"two NULs at its end":      {"only one is the token's own", list(token(`{"v":"meta.k8s.io/v1","rv":1,"start":"a\u0000\u0000"}`))},
		"not base64":               {"it is not a token", list("%%%")},
		"not JSON":                 {"it is not a token", list(token("{"))},
		"revision 0 in a token":    {"no revision was read", list(token(`{"v":"meta.k8s.io/v1","rv":0,"start":"a"}`))},
		"outside the resource":     {"it would read others' objects", list(token(`{"v":"meta.k8s.io/v1","rv":1,"start":"../../x"}`))},
		"NUL in a name":            {"PostgreSQL has none", get(key("a\x00"))},
		"invalid UTF-8 in a name":  {"PostgreSQL has none", get(key("a\xff"))},
		"NUL in a created name":    {"PostgreSQL has none", store.Create(t.Context(), key("a\x00"), newPod("a"), nil, 0)},
		"invalid UTF-8 to delete":  {"PostgreSQL has none", remove(t.Context(), store, "\xff")},
		"invalid resource version": {"not a number", store.Get(t.Context(), key("a"), storage.GetOptions{ResourceVersion: "x"}, &example.Pod{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, apierrors.IsBadRequest(tc.err), "%s: %v", tc.reason, tc.err)
			require.NotContains(t, tc.err.Error(), "SQLSTATE")
		})
	}
	_, err := store.Watch(t.Context(), key("\x00"), storage.ListOptions{ResourceVersion: "1", Predicate: everything()})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	for _, state := range []string{"22021", "22P05"} {
		require.Zero(t, c.trace.count(state), "it reached PostgreSQL")
	}
}

// TestPoisonSpoilsNoNeighbour puts what PostgreSQL cannot store, in every projected
// field, into one batch with good objects.
func TestPoisonSpoilsNoNeighbour(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+"; CREATE INDEX ON pod_fields (node)")
	engine, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = podProjection() })
	poison := map[string]string{
		"nul": "a\x00b", "invalid": "a\xff\xfeb", "cut": "é\xc3", "long": strings.Repeat("é", 400_000), "separator": "a\x1fb",
	}
	release := c.occupyWriters(t, engine, store)
	results := map[string]chan error{}
	start := func(pod *example.Pod) {
		result := make(chan error, 1)
		results[pod.Name] = result
		go func() { result <- store.Create(context.Background(), key(pod.Name), pod, nil, 0) }()
	}
	for name, text := range poison {
		start(newPod("good-" + name))
		for i, field := range []func(*example.Pod) *string{
			func(p *example.Pod) *string { return &p.Spec.NodeName },
			func(p *example.Pod) *string { return &p.Status.Message },
			func(p *example.Pod) *string { return &p.Status.Reason },
			func(p *example.Pod) *string { return &p.Spec.Hostname },
		} {
			pod := newPod(fmt.Sprintf("bad-%s-%d", name, i))
			*field(pod) = text
			start(pod)
		}
	}
	tooBig := newPod("too-big")
	tooBig.Status.Message = strings.Repeat("x", 1<<20)
	require.True(t, apierrors.IsRequestEntityTooLargeError(store.Create(t.Context(), key("too-big"), tooBig, nil, 0)))
	release()
	for name, result := range results {
		err := <-result
		if err != nil {
			require.NotContains(t, err.Error(), "SQLSTATE", name)
		}
		require.NoError(t, err, name)
	}
	list := &example.PodList{}
	pred := everything()
	pred.Field = fields.OneTermEqualSelector("spec.nodeName", "a\x00b")
	require.NoError(t, store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: pred}, list))
	require.Len(t, list.Items, 1)
	require.Equal(t, "bad-nul-0", list.Items[0].Name)
}

// unreadableCodec writes what it cannot read.
type unreadableCodec struct{ runtime.Codec }

func (unreadableCodec) Decode([]byte, *schema.GroupVersionKind, runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	return nil, nil, errors.New("unreadable")
}

// An object that nobody could read again would break every list and watch.
func TestUnreadableObjectIsNotStored(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Codec = unreadableCodec{cfg.Codec} })
	err := store.Create(t.Context(), key("a"), newPod("a"), &example.Pod{}, 0)
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	err = store.GuaranteedUpdate(t.Context(), key("a"), &example.Pod{}, true, nil,
		storage.SimpleUpdate(func(runtime.Object) (runtime.Object, error) { return newPod("a"), nil }), nil)
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	require.Zero(t, queryOne[int](t, c, "SELECT count(*) FROM objects"))
}
