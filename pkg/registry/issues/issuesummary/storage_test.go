// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// TestListLeavesOutWhatIsGone: a namespace that was deleted has a place in the table of
// counts, and no summary in a list.
func TestListLeavesOutWhatIsGone(t *testing.T) {
	t.Parallel()
	engine, conn := openWorld(t)
	for _, name := range []string{"a", "gone", "z"} {
		_, err := conn.Exec(t.Context(), "INSERT INTO claim_counts VALUES ($1, 1)", issue.KeyPrefix+name)
		require.NoError(t, err)
	}
	uids := map[string]string{"a": "uid of a", "z": "uid of z"}
	r := NewREST(engine, func(name string) string { return uids[name] }, clock.RealClock{})
	names := func(ctx context.Context, options metainternalversion.ListOptions) (out []string, token string) {
		obj, err := r.List(ctx, &options)
		require.NoError(t, err)
		list, ok := obj.(*issues.IssueSummaryList)
		require.True(t, ok)
		for i := range list.Items {
			out = append(out, list.Items[i].Namespace)
		}
		return out, list.Continue
	}
	all, token := names(t.Context(), metainternalversion.ListOptions{})
	require.Equal(t, []string{"a", "z"}, all)
	require.Empty(t, token)
	first, token := names(t.Context(), metainternalversion.ListOptions{Limit: 1})
	require.Equal(t, []string{"a"}, first)
	second, token := names(t.Context(), metainternalversion.ListOptions{Limit: 1, Continue: token})
	require.Empty(t, second, "a page may be empty")
	third, token := names(t.Context(), metainternalversion.ListOptions{Limit: 1, Continue: token})
	require.Equal(t, []string{"z"}, third)
	require.Empty(t, token)
	asked, _ := names(genericapirequest.WithNamespace(t.Context(), "gone"), metainternalversion.ListOptions{})
	require.Equal(t, []string{"gone"}, asked, "who asks for one gets its numbers, which are all 0")
}

// TestPagesAreBounded: no limit makes one answer hold all namespaces of a large cluster.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	engine, conn := openWorld(t)
	_, err := conn.Exec(t.Context(), "INSERT INTO claim_counts SELECT $1 || n, 1 FROM generate_series(1, $2) n", issue.KeyPrefix, maxPage+1)
	require.NoError(t, err)
	r := NewREST(engine, nil, clock.RealClock{})
	obj, err := r.List(t.Context(), &metainternalversion.ListOptions{Limit: math.MaxInt64})
	require.NoError(t, err)
	first, ok := obj.(*issues.IssueSummaryList)
	require.True(t, ok)
	require.Len(t, first.Items, maxPage)
	obj, err = r.List(t.Context(), &metainternalversion.ListOptions{Limit: math.MaxInt64, Continue: first.Continue})
	require.NoError(t, err)
	require.Len(t, obj.(*issues.IssueSummaryList).Items, 1)
	_, err = r.List(t.Context(), &metainternalversion.ListOptions{})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
}
