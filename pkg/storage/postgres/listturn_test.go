// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/storage"
)

// TestGetsDoNotWaitBehindLists shows that a get finds a connection while lists hold all
// that they may, and that a list then waits, and not for ever.
func TestGetsDoNotWaitBehindLists(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	engine, store := c.open(t)
	create(t, store, newPod("a"))
	release := engine.HoldLists()
	require.NoError(t, store.Get(t.Context(), key("a"), storage.GetOptions{}, &example.Pod{}))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := store.GetList(ctx, "/pods/", storage.ListOptions{Recursive: true, Predicate: storage.Everything}, &example.PodList{})
	require.True(t, apierrors.IsTimeout(err), "whoever leaves waits no longer: %v", err)
	err = store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: storage.Everything}, &example.PodList{})
	require.True(t, apierrors.IsTooManyRequests(err), "%v", err)
	seconds, ok := apierrors.SuggestsClientDelay(err)
	require.True(t, ok)
	require.Equal(t, 1, seconds)

	listed := make(chan error, 1)
	go func() {
		listed <- store.GetList(t.Context(), "/pods/", storage.ListOptions{Recursive: true, Predicate: storage.Everything}, &example.PodList{})
	}()
	release()
	require.NoError(t, <-listed)
}
