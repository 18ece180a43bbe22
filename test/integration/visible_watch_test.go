// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/informers/externalversions"
)

// rightsTimeout is how soon a right that is given or taken has its effect.
const rightsTimeout = 10 * time.Second

// nextVisible is the next event, as its type and the object's name.
func nextVisible(t *testing.T, events watch.Interface) string {
	t.Helper()
	event := nextEvent(t, events)
	if shown, ok := event.Object.(*v1alpha1.VisibleIssue); ok {
		return fmt.Sprint(event.Type, " ", shown.Name)
	}
	return fmt.Sprint(event.Type, " ", event.Object)
}

func setSeverity(t *testing.T, cfg *rest.Config, namespace, name string, severity v1alpha1.IssueSeverity) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"severity":%q}}`, severity)
	_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Patch(
		t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	require.NoError(t, err)
}

// TestVisibleWatch: what happens in the namespaces of the caller, and nothing else.
func TestVisibleWatch(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x", "team-b.x", "team-c.x")
	rights.give("viewer", "team-a", "team-b")
	client := visible(t, cfg, "viewer")
	since := revision(t, cfg)

	open := func(options metav1.ListOptions) watch.Interface {
		events, err := client.Watch(t.Context(), options)
		require.NoError(t, err)
		t.Cleanup(events.Stop)
		return events
	}
	all := open(metav1.ListOptions{ResourceVersion: since})
	fromNow := open(metav1.ListOptions{})
	one := open(metav1.ListOptions{FieldSelector: "metadata.name=team-b.x", ResourceVersion: since})
	critical := open(metav1.ListOptions{FieldSelector: "spec.severity=critical,metadata.namespace=team-a", ResourceVersion: since})
	streamed := open(metav1.ListOptions{
		SendInitialEvents: new(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true,
	})
	for _, events := range []watch.Interface{fromNow, streamed} {
		require.Equal(t, "ADDED team-a.x", nextVisible(t, events))
		require.Equal(t, "ADDED team-b.x", nextVisible(t, events))
	}
	end := nextEvent(t, streamed)
	require.Equal(t, watch.Bookmark, end.Type)
	require.Equal(t, since, end.Object.(*v1alpha1.VisibleIssue).ResourceVersion)
	require.Equal(t, "true", end.Object.(*v1alpha1.VisibleIssue).Annotations[metav1.InitialEventsAnnotationKey])

	setSeverity(t, cfg, "team-c", "x", v1alpha1.SeverityCritical)
	setSeverity(t, cfg, "team-a", "x", v1alpha1.SeverityCritical)
	setSeverity(t, cfg, "team-b", "x", v1alpha1.SeverityCritical)
	setSeverity(t, cfg, "team-a", "x", v1alpha1.SeverityMinor)
	createIn(t, cfg, "team-c.y", "team-b.y")
	require.NoError(t, Client(t, cfg).IssuesV1alpha1().Issues("team-c").Delete(t.Context(), "x", metav1.DeleteOptions{}))
	require.NoError(t, Client(t, cfg).IssuesV1alpha1().Issues("team-b").Delete(t.Context(), "x", metav1.DeleteOptions{}))
	for _, events := range []watch.Interface{all, fromNow, streamed} {
		for _, want := range []string{
			"MODIFIED team-a.x", "MODIFIED team-b.x", "MODIFIED team-a.x", "ADDED team-b.y", "DELETED team-b.x",
		} {
			require.Equal(t, want, nextVisible(t, events))
		}
	}
	require.Equal(t, "MODIFIED team-b.x", nextVisible(t, one))
	require.Equal(t, "DELETED team-b.x", nextVisible(t, one))
	require.Equal(t, "ADDED team-a.x", nextVisible(t, critical))
	require.Equal(t, "DELETED team-a.x", nextVisible(t, critical))
}

// TestVisibleWatchInPages streams more issues than one page holds.
func TestVisibleWatchInPages(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	rights.give("viewer", "team-a", "team-b")
	rights.give("security", everywhere)
	want := map[string]bool{}
	for n := range 270 {
		want[fmt.Sprintf("team-a.issue-%d", n)], want[fmt.Sprintf("team-b.issue-%d", n)] = true, true
	}
	createIn(t, cfg, slices.Collect(maps.Keys(want))...)
	for _, user := range []string{"viewer", "security"} {
		events, err := visible(t, cfg, user).Watch(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
		require.NoError(t, err)
		defer events.Stop()
		missing := maps.Clone(want)
		for range want {
			event := nextEvent(t, events)
			require.Equal(t, watch.Added, event.Type)
			delete(missing, event.Object.(*v1alpha1.VisibleIssue).Name)
		}
		require.Empty(t, missing)
		want["team-a."+user] = true
		createIn(t, cfg, "team-a."+user)
		require.Equal(t, "ADDED team-a."+user, nextVisible(t, events))
	}
}

// TestVisibleInformer: an ordinary informer loses what its user may no longer see, and
// gets what he may see.
func TestVisibleInformer(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x", "team-b.x", "team-c.x")
	rights.give("viewer", "team-a", "team-b")
	factory := externalversions.NewSharedInformerFactory(Client(t, As(cfg, "viewer")), 0)
	lister := factory.Issues().V1alpha1().VisibleIssues().Lister()
	factory.StartWithContext(t.Context())
	factory.WaitForCacheSyncWithContext(t.Context())
	shows := func(want ...string) {
		t.Helper()
		require.Eventually(t, func() bool {
			all, err := lister.List(labels.Everything())
			require.NoError(t, err)
			var got []string
			for _, shown := range all {
				got = append(got, shown.Name)
			}
			slices.Sort(got)
			return slices.Equal(want, got)
		}, rightsTimeout, 20*time.Millisecond, "want %v", want)
	}
	shows("team-a.x", "team-b.x")
	_, err := lister.Get("team-a.x")
	require.NoError(t, err)

	rights.take("viewer", "team-a", false)
	shows("team-b.x")
	rights.give("viewer", "team-c")
	shows("team-b.x", "team-c.x")
	createIn(t, cfg, "team-a.y", "team-c.y")
	shows("team-b.x", "team-c.x", "team-c.y")
	rights.take("viewer", "team-b", true)
	rights.give("viewer", everywhere)
	shows("team-a.x", "team-a.y", "team-b.x", "team-c.x", "team-c.y")
	rights.take("viewer", everywhere, false)
	shows("team-c.x", "team-c.y")
}

// TestVisibleWatchFollowsRights: what was shown is deleted, what can be seen is added, and the
// watch goes on.
func TestVisibleWatchFollowsRights(t *testing.T) {
	t.Parallel()
	rights := newGrants()
	cfg := StartServer(t, withGrants(rights))
	createIn(t, cfg, "team-a.x", "team-a.y", "team-b.x", "team-c.x")
	setSeverity(t, cfg, "team-a", "y", v1alpha1.SeverityInfo)
	rights.give("viewer", "team-a", "team-b")
	client := visible(t, cfg, "viewer")
	options := metav1.ListOptions{FieldSelector: "spec.severity=major"}
	list, err := client.List(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []string{"team-a.x", "team-b.x"}, visibleNames(list))
	options.ResourceVersion = list.ResourceVersion
	events, err := client.Watch(t.Context(), options)
	require.NoError(t, err)
	defer events.Stop()
	setSeverity(t, cfg, "team-b", "x", v1alpha1.SeverityMinor)
	require.Equal(t, "DELETED team-b.x", nextVisible(t, events))

	rights.take("viewer", "team-a", false)
	rights.give("viewer", "team-c")
	event := nextEvent(t, events)
	require.Equal(t, watch.Deleted, event.Type)
	require.Equal(t, "team-a.x", event.Object.(*v1alpha1.VisibleIssue).Name)
	require.Equal(t, revision(t, cfg), event.Object.(*v1alpha1.VisibleIssue).ResourceVersion, "an object's own would lead back")
	require.Equal(t, "ADDED team-c.x", nextVisible(t, events))
	createIn(t, cfg, "team-a.z", "team-c.z")
	require.Equal(t, "ADDED team-c.z", nextVisible(t, events))

	stale, err := client.Watch(t.Context(), options)
	require.NoError(t, err)
	defer stale.Stop()
	for {
		event := nextEvent(t, stale)
		if event.Type != watch.Error {
			continue
		}
		require.Equal(t, metav1.StatusReasonExpired, event.Object.(*metav1.Status).Reason, "who saw team-a must list anew")
		break
	}
}

// TestVisibleWatchEnds when its caller's rights become others altogether, or cannot be known.
func TestVisibleWatchEnds(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		change func(*grants)
		want   metav1.StatusReason
	}{
		"everywhere no more": {"all that exists cannot be taken away one by one", func(g *grants) { g.take("viewer", everywhere, false) }, metav1.StatusReasonExpired},
		"nobody knows":       {"a right that cannot be confirmed ends", func(g *grants) { g.fail(true) }, metav1.StatusReasonServiceUnavailable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rights := newGrants()
			cfg := StartServer(t, withGrants(rights))
			rights.give("viewer", everywhere)
			events, err := visible(t, cfg, "viewer").Watch(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			defer events.Stop()
			tc.change(rights)
			event := nextEvent(t, events)
			require.Equal(t, watch.Error, event.Type, tc.reason)
			require.Equal(t, tc.want, event.Object.(*metav1.Status).Reason, tc.reason)
			_, open := <-events.ResultChan()
			require.False(t, open)
		})
	}
}
