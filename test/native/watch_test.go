// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/json"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// next is the next event of a watch.
func next(t testing.TB, events watch.Interface) watch.Event {
	t.Helper()
	select {
	case event, ok := <-events.ResultChan():
		require.True(t, ok, "the watch has ended")
		return event
	case <-time.After(patience):
		require.FailNow(t, "no event came")
		return watch.Event{}
	}
}

func nameOf(t testing.TB, event watch.Event) string {
	t.Helper()
	issue, ok := event.Object.(*v1alpha1.Issue)
	require.True(t, ok, "%T", event.Object)
	return issue.Name
}

func TestWatch(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	create(t, m, "frontend")
	_, err = client.Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"info"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.NoError(t, client.Delete(t.Context(), "frontend", metav1.DeleteOptions{}))
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		event := next(t, events)
		require.Equal(t, want, event.Type)
		require.Equal(t, "frontend", nameOf(t, event))
	}
}

// TestWatchByName starts without a resourceVersion, as `kubectl get NAME --watch` does.
func TestWatchByName(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	create(t, m, "frontend")
	create(t, m, "backend")
	events, err := m.issues(t).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=frontend"})
	require.NoError(t, err)
	defer events.Stop()
	event := next(t, events)
	require.Equal(t, watch.Added, event.Type)
	require.Equal(t, "frontend", nameOf(t, event))
	require.NoError(t, m.issues(t).Delete(t.Context(), "backend", metav1.DeleteOptions{}))
	require.NoError(t, m.issues(t).Delete(t.Context(), "frontend", metav1.DeleteOptions{}))
	event = next(t, events)
	require.Equal(t, watch.Deleted, event.Type)
	require.Equal(t, "frontend", nameOf(t, event))
}

// TestWatchSelector shows that an object that no longer matches is deleted for the watch.
func TestWatchSelector(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	client := m.issues(t)
	create(t, m, "frontend")
	events, err := client.Watch(t.Context(), metav1.ListOptions{FieldSelector: "spec.severity=info"})
	require.NoError(t, err)
	defer events.Stop()
	setSeverity(t, m, "info")
	require.Equal(t, watch.Added, next(t, events).Type)
	setSeverity(t, m, "minor")
	event := next(t, events)
	require.Equal(t, watch.Deleted, event.Type)
	require.Equal(t, v1alpha1.SeverityInfo, event.Object.(*v1alpha1.Issue).Spec.Severity, "the last state that matched")
}

func setSeverity(t testing.TB, m *team, severity string) {
	t.Helper()
	_, err := m.issues(t).Patch(t.Context(), "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"`+severity+`"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
}

// TestSendInitialEvents streams the list as informers of today ask for it.
func TestSendInitialEvents(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	created := create(t, m, "before")
	events, err := m.issues(t).Watch(t.Context(), metav1.ListOptions{
		SendInitialEvents: new(true), AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	require.NoError(t, err)
	defer events.Stop()
	first := next(t, events)
	require.Equal(t, watch.Added, first.Type)
	require.Equal(t, created, first.Object)
	bookmark := next(t, events)
	require.Equal(t, watch.Bookmark, bookmark.Type)
	require.Equal(t, "true", bookmark.Object.(*v1alpha1.Issue).Annotations[metav1.InitialEventsAnnotationKey])
	create(t, m, "after")
	require.Equal(t, "after", nameOf(t, next(t, events)))
}

// TestBookmarks shows that a quiet watch learns of newer revisions, and so never falls
// out of history.
func TestBookmarks(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	list, err := m.issues(t).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	events, err := m.issues(t).Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true,
	})
	require.NoError(t, err)
	defer events.Stop()
	create(t, newTeam(t), "elsewhere")
	bookmark := next(t, events)
	require.Equal(t, watch.Bookmark, bookmark.Type)
	require.Greater(t, revision(t, bookmark.Object.(*v1alpha1.Issue).ResourceVersion), revision(t, list.ResourceVersion))
}

// TestWebSocketWatch watches as a browser does.
func TestWebSocketWatch(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	conn := dialWatch(t, m)
	create(t, m, "frontend")
	for _, want := range []watch.EventType{watch.Added, watch.Deleted} {
		_, message, err := conn.ReadMessage()
		require.NoError(t, err)
		var event struct {
			Type   watch.EventType
			Object v1alpha1.Issue
		}
		require.NoError(t, json.Unmarshal(message, &event))
		require.Equal(t, want, event.Type)
		require.Equal(t, "frontend", event.Object.Name)
		if want == watch.Added {
			require.NoError(t, m.issues(t).Delete(t.Context(), "frontend", metav1.DeleteOptions{}))
		}
	}
}

func dialWatch(t testing.TB, m *team) *websocket.Conn {
	t.Helper()
	tlsConfig, err := rest.TLSConfigFor(m.developer)
	require.NoError(t, err)
	address, err := url.Parse(m.developer.Host)
	require.NoError(t, err)
	address.Scheme = "wss"
	address.Path = "/apis/issues.kite.dev/v1alpha1/namespaces/" + m.namespace + "/issues"
	address.RawQuery = "watch=true"
	dialer := websocket.Dialer{TLSClientConfig: tlsConfig, HandshakeTimeout: patience}
	header := map[string][]string{"Authorization": {"Bearer " + m.developer.BearerToken}, "Origin": {"https://" + address.Host}}
	conn, response, err := dialer.DialContext(t.Context(), address.String(), header)
	if response != nil {
		_ = response.Body.Close()
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	return conn
}

func revision(t testing.TB, resourceVersion string) uint64 {
	t.Helper()
	out, err := strconv.ParseUint(resourceVersion, 10, 64)
	require.NoError(t, err)
	return out
}
