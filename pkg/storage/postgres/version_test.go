// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"

	"kite.dev/kite/pkg/storage/postgres"
)

// laterProjection is podProjection with a column that a later version adds.
func laterProjection() *postgres.Projection {
	p := podProjection()
	p.Columns = append(p.Columns, postgres.Column{
		Field: "spec.hostname", Name: "hostname", Match: postgres.Equals, MaxBytes: 63, Since: 1,
		Value: func(obj runtime.Object) string { return obj.(*example.Pod).Spec.Hostname },
	})
	return p
}

// TestProjectionsOfTwoVersions compares lists with a model, while an older server, which
// does not know the newest column, and a newer one write the same pods.
func TestProjectionsOfTwoVersions(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			m := newListModel(t, seed)
			for range 30 {
				m.write(t) // by the older version alone
			}
			m.cluster.exec(t, "ALTER TABLE pod_fields ADD COLUMN hostname text NOT NULL DEFAULT ''")
			_, later := m.cluster.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection, cfg.Claim = laterProjection(), nil })
			m.stores[1] = later
			m.run(t)
			require.False(t, marked(t, m.cluster), "no mark is needed")
		})
	}
}

// TestRowsTellTheirShape: a row that an older server has written last is not trusted for
// what that server did not know, and is again when a newer one has written it.
func TestRowsTellTheirShape(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.exec(t, podTableSQL+"; ALTER TABLE pod_fields ADD COLUMN hostname text NOT NULL DEFAULT ''")
	_, older := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = podProjection() })
	_, later := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Projection = laterProjection() })
	shape := func() int { return queryOne[int](t, c, "SELECT shape FROM pod_fields") }
	rename := func(store *postgres.Store, name string) {
		_, err := update(t.Context(), store, "a", func(pod *example.Pod) { pod.Spec.Hostname = name })
		require.NoError(t, err)
	}
	create(t, later, newPod("a"))
	require.Equal(t, 1, shape())
	rename(older, "h")
	require.Zero(t, shape())
	require.Empty(t, queryOne[string](t, c, "SELECT hostname FROM pod_fields"), "the older server cannot know better")
	rename(later, "i")
	require.Equal(t, 1, shape())
	require.Equal(t, "i", queryOne[string](t, c, "SELECT hostname FROM pod_fields"))
}
