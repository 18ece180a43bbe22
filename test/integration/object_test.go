// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	apply "kite.dev/kite/pkg/generated/applyconfiguration/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/informers/externalversions"
)

const (
	namespace    = "team-gamma"
	eventTimeout = 10 * time.Second
)

func newIssue(name string) *v1alpha1.Issue {
	return &v1alpha1.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: v1alpha1.IssueSpec{
			Title:    "Build of " + name + " fails",
			Type:     v1alpha1.TypeBuild,
			Severity: v1alpha1.SeverityMajor,
			Scope:    v1alpha1.IssueScope{Kind: "Component", Name: name},
		},
	}
}

func TestIssueVerbs(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()

	created, err := client.Create(ctx, newIssue("frontend"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, created.UID)
	require.Equal(t, v1alpha1.StateActive, created.Status.State)

	got, err := client.Get(ctx, "frontend", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, created, got)

	list, err := client.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, *got, list.Items[0])

	got.Spec.Title = "Build of frontend fails at link"
	updated, err := client.Update(ctx, got, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, created.ResourceVersion, updated.ResourceVersion)

	_, err = client.Update(ctx, created, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), "a stale resourceVersion: %v", err)

	patched, err := client.Patch(ctx, "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"critical"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.SeverityCritical, patched.Spec.Severity)
	require.Equal(t, "Build of frontend fails at link", patched.Spec.Title)

	require.NoError(t, client.Delete(ctx, "frontend", metav1.DeleteOptions{}))
	_, err = client.Get(ctx, "frontend", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func TestServerSideApply(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()

	spec := apply.IssueSpec().WithTitle("Tests fail").WithType(v1alpha1.TypeTest).
		WithSeverity(v1alpha1.SeverityMajor).WithScope(apply.IssueScope().WithKind("Component").WithName("frontend"))
	first, err := client.Apply(ctx, apply.Issue("tests", namespace).WithSpec(spec), metav1.ApplyOptions{FieldManager: "ci"})
	require.NoError(t, err)
	require.NotEmpty(t, first.UID)

	again, err := client.Apply(ctx, apply.Issue("tests", namespace).WithSpec(spec), metav1.ApplyOptions{FieldManager: "ci"})
	require.NoError(t, err)
	require.Equal(t, first.ResourceVersion, again.ResourceVersion, "to apply the same changes nothing")

	other := apply.Issue("tests", namespace).WithSpec(apply.IssueSpec().WithTitle("Mine"))
	_, err = client.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "human"})
	require.True(t, apierrors.IsConflict(err), "two managers of one field: %v", err)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()

	list, err := client.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	events, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()

	_, err = client.Create(ctx, newIssue("frontend"), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Patch(ctx, "frontend", types.MergePatchType, []byte(`{"spec":{"severity":"info"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.NoError(t, client.Delete(ctx, "frontend", metav1.DeleteOptions{}))

	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		event := nextEvent(t, events)
		require.Equal(t, want, event.Type)
		require.Equal(t, "frontend", event.Object.(*v1alpha1.Issue).Name)
	}
}

func nextEvent(t *testing.T, events watch.Interface) watch.Event {
	t.Helper()
	select {
	case event, ok := <-events.ResultChan():
		require.True(t, ok, "the watch has ended")
		return event
	case <-time.After(eventTimeout):
		require.FailNow(t, "no event came")
		return watch.Event{}
	}
}

// TestWatchList streams the list as newer informers ask for it: the objects, then a
// bookmark that says the list is complete, then changes.
func TestWatchList(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	created, err := client.Create(ctx, newIssue("before"), metav1.CreateOptions{})
	require.NoError(t, err)

	events, err := client.Watch(ctx, metav1.ListOptions{
		SendInitialEvents: new(true), AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	require.NoError(t, err)
	defer events.Stop()
	first := nextEvent(t, events)
	require.Equal(t, watch.Added, first.Type)
	require.Equal(t, created, first.Object)
	complete := nextEvent(t, events)
	require.Equal(t, watch.Bookmark, complete.Type)
	require.Equal(t, "true", complete.Object.(*v1alpha1.Issue).Annotations[metav1.InitialEventsAnnotationKey])

	_, err = client.Create(ctx, newIssue("after"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "after", nextEvent(t, events).Object.(*v1alpha1.Issue).Name)
}

func TestInformer(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t))
	ctx := t.Context()
	_, err := client.IssuesV1alpha1().Issues(namespace).Create(ctx, newIssue("before"), metav1.CreateOptions{})
	require.NoError(t, err)

	factory := externalversions.NewSharedInformerFactory(client, 0)
	informer := factory.Issues().V1alpha1().Issues().Informer()
	added := make(chan string, 2)
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { added <- obj.(*v1alpha1.Issue).Name },
	})
	require.NoError(t, err)
	factory.Start(ctx.Done())
	require.True(t, cache.WaitForCacheSync(ctx.Done(), informer.HasSynced))

	_, err = client.IssuesV1alpha1().Issues(namespace).Create(ctx, newIssue("after"), metav1.CreateOptions{})
	require.NoError(t, err)
	for _, want := range []string{"before", "after"} {
		select {
		case name := <-added:
			require.Equal(t, want, name)
		case <-time.After(eventTimeout):
			require.FailNow(t, "the informer never saw "+want)
		}
	}
}

// TestMetadataOnly reads and deletes as kube-controller-manager does, whose garbage
// collector and namespace controller prefer Protobuf.
func TestMetadataOnly(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	ctx := t.Context()
	_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Create(ctx, newIssue("frontend"), metav1.CreateOptions{})
	require.NoError(t, err)

	client := metadata.NewForConfigOrDie(cfg).Resource(v1alpha1.SchemeGroupVersion.WithResource("issues"))
	list, err := client.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, "frontend", list.Items[0].Name)

	events, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	require.NoError(t, client.Namespace(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	require.Equal(t, watch.Deleted, nextEvent(t, events).Type)
}

func TestUnknownFieldSelector(t *testing.T) {
	t.Parallel()
	client := Client(t, StartServer(t)).IssuesV1alpha1().Issues(namespace)
	_, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.colour=red"})
	require.True(t, apierrors.IsBadRequest(err), "list: %v", err)
	require.ErrorContains(t, err, "spec.colour")
	_, err = client.Watch(t.Context(), metav1.ListOptions{FieldSelector: "spec.colour=red"})
	require.True(t, apierrors.IsBadRequest(err), "watch: %v", err)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	content, err := json.Marshal(v)
	require.NoError(t, err)
	return content
}
