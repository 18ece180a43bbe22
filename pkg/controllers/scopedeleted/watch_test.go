// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
)

// broken is a world whose watch of Deployments ends, and cannot begin again.
type broken struct {
	*world
	refused atomic.Bool
	open    chan *apiwatch.FakeWatcher
}

// newBroken watches two Deployments, each with an issue.
func newBroken(t *testing.T) *broken {
	t.Helper()
	w := &broken{open: make(chan *apiwatch.FakeWatcher, 1), world: newWorld(t, nil, []runtime.Object{
		newObject("Deployment", namespace, "web", "uid-web"), newObject("Deployment", namespace, "api", "uid-api"),
	})}
	for name, uid := range map[string]string{"web": "uid-web", "api": "uid-api"} {
		require.NoError(t, w.Controller.issues.GetIndexer().Add(newIssue(name, scopeNamed("Deployment", name, uid, namespace))))
	}
	w.metadata.PrependReactor("list", "deployments", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return w.refuses(action), nil, apierrors.NewNotFound(schema.GroupResource{}, "")
	})
	w.metadata.PrependWatchReactor("deployments", func(action clienttesting.Action) (bool, apiwatch.Interface, error) {
		if w.refuses(action) {
			return true, nil, apierrors.NewNotFound(schema.GroupResource{}, "")
		}
		out := apiwatch.NewFake()
		w.open <- out
		return true, out, nil
	})
	w.kinds.need(t.Context(), onlyDeployments)
	t.Cleanup(w.kinds.end)
	return w
}

func (w *broken) refuses(action clienttesting.Action) bool {
	return action.GetResource() == deployments && w.refused.Load()
}

// interrupt ends the watch, when it has seen everything, and waits until that is noticed.
func (w *broken) interrupt(t *testing.T) {
	t.Helper()
	now := w.deployments()
	require.Eventually(t, now.informer.HasSynced, patience, time.Millisecond)
	first := <-w.open
	w.refused.Store(true)
	first.Stop()
	require.Eventually(t, now.failing.Load, patience, time.Millisecond)
	w.clock.Step(renewal)
}

func (w *broken) deployments() *watch {
	return w.kinds.watches[schema.GroupKind{Group: "apps", Kind: "Deployment"}]
}

// found is the next issue whose object was found to be gone.
func (w *broken) found(t *testing.T) string {
	t.Helper()
	require.Eventually(t, func() bool { return w.queue.Len() > 0 }, patience, time.Millisecond)
	f, _ := w.queue.Get()
	w.queue.Done(f)
	require.NoError(t, w.resolve(t.Context(), f))
	return f.issue.Name
}

// TestVersionServedNoLonger: the kind is watched as it is served now, and what went in
// between is found.
func TestVersionServedNoLonger(t *testing.T) {
	t.Parallel()
	w := newBroken(t)
	w.interrupt(t)
	next := schema.GroupVersionResource{Group: "apps", Version: "v2", Resource: "deployments"}
	api := newObject("Deployment", namespace, "api", "uid-api")
	api.APIVersion = next.GroupVersion().String()
	require.NoError(t, w.metadata.Tracker().Create(next, api, namespace))
	w.host.Resources = []*metav1.APIResourceList{{GroupVersion: "apps/v2", APIResources: []metav1.APIResource{
		{Name: next.Resource, Kind: "Deployment", Namespaced: true},
	}}}
	w.kinds.need(t.Context(), onlyDeployments)
	require.Equal(t, next, w.deployments().resource)
	require.Equal(t, "web", w.found(t))
	require.Equal(t, []string{"web ScopeDeleted"}, w.resolved())
	w.kinds.end()
	require.Zero(t, w.queue.Len(), "the other is there")
}

// TestRightWithdrawn: nothing is asked of a resource that may not be watched. When it may
// again, what went in between is found.
func TestRightWithdrawn(t *testing.T) {
	t.Parallel()
	w := newBroken(t)
	w.interrupt(t)
	w.allowed.Delete(deployments.Resource)
	w.kinds.need(t.Context(), onlyDeployments)
	require.False(t, w.deployments().alive())

	w.remove(t, namespace, "web")
	w.refused.Store(false)
	w.allowed.Insert(deployments.Resource)
	w.clock.Step(renewal)
	w.kinds.need(t.Context(), onlyDeployments)
	require.True(t, w.deployments().alive())
	require.Equal(t, "web", w.found(t))
}

// TestWatchThatFailsForAWhile: what is served and allowed is tried by the watch itself.
func TestWatchThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	w := newBroken(t)
	w.interrupt(t)
	asked, before := len(w.host.Actions()), w.deployments()
	w.kinds.need(t.Context(), onlyDeployments)
	require.Same(t, before, w.deployments())
	require.True(t, before.alive())
	require.Greater(t, len(w.host.Actions()), asked)
	w.refused.Store(false)
	require.Eventually(t, func() bool { return len(w.open) == 1 }, patience, time.Millisecond)
}

// TestNoObject: a server that does not know the version says nothing of the object.
func TestNoObject(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		answer http.HandlerFunc
		want   bool
	}{
		"Object":  {"the server knows", status(&apierrors.NewNotFound(deployments.GroupResource(), "web").ErrStatus), true},
		"Version": {"nobody knows", http.NotFound, false},
		"Right":   {"nobody says", status(&apierrors.NewForbidden(deployments.GroupResource(), "web", fmt.Errorf("no")).ErrStatus), false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := httptest.NewServer(tc.answer)
			t.Cleanup(host.Close)
			client, err := metadata.NewForConfig(&rest.Config{Host: host.URL})
			require.NoError(t, err)
			_, err = client.Resource(deployments).Namespace(namespace).Get(t.Context(), "web", metav1.GetOptions{})
			require.Error(t, err)
			require.Equal(t, tc.want, noObject(err), tc.reason)
		})
	}
}

func status(answer *metav1.Status) http.HandlerFunc {
	answer.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(answer.Code))
		_ = json.NewEncoder(w).Encode(answer)
	}
}
