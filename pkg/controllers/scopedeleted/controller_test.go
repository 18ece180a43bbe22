// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
)

const (
	namespace = "team-gamma"
	patience  = 10 * time.Second
)

var (
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	statefulSets = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
)

func newIssue(name string, scope issuesv1alpha1.IssueScope) *issuesv1alpha1.Issue {
	return &issuesv1alpha1.Issue{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       issuesv1alpha1.IssueSpec{Scope: scope},
		Status:     issuesv1alpha1.IssueStatus{State: issuesv1alpha1.StateActive},
	}
}

func scopeNamed(kind, name, uid, in string) issuesv1alpha1.IssueScope {
	group := "apps"
	if kind == "Pod" {
		group = ""
	}
	return issuesv1alpha1.IssueScope{APIGroup: group, Kind: kind, Namespace: in, Name: name, UID: types.UID(uid)}
}

func newObject(kind, in, name, uid string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: name, UID: types.UID(uid)},
	}
}

var onlyDeployments = map[schema.GroupKind]bool{{Group: "apps", Kind: "Deployment"}: true}

// world is a cluster in which the controller may watch Deployments and nothing else.
type world struct {
	*Controller
	issues   *fake.Clientset
	metadata *metadatafake.FakeMetadataClient
	host     *kubefake.Clientset
	allowed  sets.Set[string]
	clock    *clocktesting.FakeClock
}

func newWorld(t *testing.T, issues, objects []runtime.Object) *world {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	w := &world{
		issues: fake.NewSimpleClientset(issues...), metadata: metadatafake.NewSimpleMetadataClient(scheme, objects...),
		host: kubefake.NewClientset(), allowed: sets.New(deployments.Resource),
		clock: clocktesting.NewFakeClock(time.Unix(1_795_000_000, 0)),
	}
	host := w.host
	host.Resources = []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true}}},
		{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
			{Name: deployments.Resource, Kind: "Deployment", Namespaced: true},
			{Name: statefulSets.Resource, Kind: "StatefulSet", Namespaced: true},
		}},
	}
	host.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		review.Status.Allowed = w.allowed.Has(review.Spec.ResourceAttributes.Resource)
		return true, review, nil
	})
	w.issues.PrependReactor("create", "issues", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &issuesv1alpha1.Issue{}, nil
	})
	w.Controller = New(Clients{
		Issues: w.issues, Metadata: w.metadata, Access: host.AuthorizationV1().SelfSubjectAccessReviews(),
		Discovery: discovery.ToDiscoveryInterfaceWithContext(host.Discovery()),
	}, w.clock)
	return w
}

// run starts the controller and waits until it watches Deployments.
func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool { return slices.Contains(w.watched(), deployments.Resource) }, patience, time.Millisecond)
}

// watched are the resources whose metadata is watched.
func (w *world) watched() []string {
	var out []string
	for _, action := range w.metadata.Actions() {
		if action.GetVerb() == "watch" {
			out = append(out, action.GetResource().Resource)
		}
	}
	return out
}

// resolved are the issues that were resolved, and why.
func (w *world) resolved() []string {
	var out []string
	for _, action := range w.issues.Actions() {
		if action.GetSubresource() != "resolve" {
			continue
		}
		create := action.(clienttesting.CreateActionImpl)
		out = append(out, create.Name+" "+create.Object.(*issuesv1alpha1.IssueResolution).Reason)
	}
	return out
}

func (w *world) remove(t *testing.T, in, name string) {
	t.Helper()
	require.NoError(t, w.metadata.Tracker().Delete(deployments, in, name))
}

// TestDeletedScopes: the last deletion ends the wait, so that all before it had their turn.
func TestDeletedScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []runtime.Object{
		newIssue("hit", scopeNamed("Deployment", "web", "uid-web", namespace)),
		newIssue("twin", scopeNamed("Deployment", "web", "uid-web", namespace)),
		newIssue("last", scopeNamed("Deployment", "last", "uid-last", namespace)),
		newIssue("no-uid", scopeNamed("Deployment", "web", "", namespace)),
		newIssue("other-uid", scopeNamed("Deployment", "web", "uid-old", namespace)),
		newIssue("misnamed", scopeNamed("Deployment", "api", "uid-web", namespace)),
		newIssue("foreign", scopeNamed("Deployment", "theirs", "uid-theirs", "team-delta")),
		newIssue("denied", scopeNamed("StatefulSet", "db", "uid-db", namespace)),
		newIssue("pruned", scopeNamed("Pod", "p", "uid-p", namespace)),
		newIssue("revision", scopeNamed("ReplicaSet", "r", "uid-r", namespace)),
		newIssue("unserved", scopeNamed("Gadget", "g", "uid-g", namespace)),
		newIssue("unneeded", scopeNamed("DaemonSet", "d", "", namespace)),
	}, []runtime.Object{
		newObject("Deployment", namespace, "web", "uid-web"),
		newObject("Deployment", namespace, "last", "uid-last"),
		newObject("Deployment", "team-delta", "theirs", "uid-theirs"),
		newObject("StatefulSet", namespace, "db", "uid-db"),
	})
	w.run(t)
	w.remove(t, "team-delta", "theirs")
	require.NoError(t, w.metadata.Tracker().Delete(statefulSets, namespace, "db"))
	w.remove(t, namespace, "web")
	require.Eventually(t, func() bool { return len(w.resolved()) == 2 }, patience, time.Millisecond)
	w.remove(t, namespace, "last")
	require.Eventually(t, func() bool { return len(w.resolved()) >= 3 }, patience, time.Millisecond)
	have := w.resolved()
	slices.Sort(have)
	require.Equal(t, []string{"hit ScopeDeleted", "last ScopeDeleted", "twin ScopeDeleted"}, have)
	require.Equal(t, []string{deployments.Resource}, w.watched(), "nothing else is watched")
	require.NotContains(t, w.needed(), schema.GroupKind{Group: "apps", Kind: "DaemonSet"}, "without a UID no object is meant")
	require.NotContains(t, w.needed(), schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, "it goes as a matter of course")
}

// TestRecreatedScope: an object of the same name is another one, and one that is still
// there was not deleted.
func TestRecreatedScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, []runtime.Object{newObject("Deployment", namespace, "web", "uid-new")})
	var away atomic.Bool
	w.metadata.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		return away.Load(), nil, fmt.Errorf("no answer")
	})
	f := w.find(t, newIssue("a", scopeNamed("Deployment", "web", "uid-new", namespace)))
	require.NoError(t, w.resolve(t.Context(), f))
	require.Empty(t, w.resolved(), "it is there")
	f = w.find(t, newIssue("a", scopeNamed("Deployment", "web", "uid-old", namespace)))
	require.NoError(t, w.resolve(t.Context(), f))
	require.Equal(t, []string{"a ScopeDeleted"}, w.resolved())
	away.Store(true)
	require.ErrorContains(t, w.resolve(t.Context(), f), "no answer")
	require.Len(t, w.resolved(), 1, "what is not known is not resolved")
}

// TestFindingsOfThePast: a finding may wait for as long as an API is away, and its issue can
// be about the object that came after.
func TestFindingsOfThePast(t *testing.T) {
	t.Parallel()
	old := scopeNamed("Deployment", "web", "uid-old", namespace)
	cases := map[string]struct {
		reason string
		since  func(*world, *issuesv1alpha1.Issue) error
	}{
		"About another object": {"it is not gone", func(w *world, issue *issuesv1alpha1.Issue) error {
			issue.Spec.Scope.UID = "uid-new"
			return w.Controller.issues.GetIndexer().Update(issue)
		}},
		"Resolved": {"it is done", func(w *world, issue *issuesv1alpha1.Issue) error {
			return w.Controller.issues.GetIndexer().Delete(issue)
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil, nil)
			issue := newIssue("a", old)
			f := w.find(t, issue)
			require.NoError(t, tc.since(w, issue.DeepCopy()))
			require.NoError(t, w.resolve(t.Context(), f))
			require.Empty(t, w.resolved(), tc.reason)
		})
	}
}

// TestResolvesWhatItSaw: what the server knows already, and this controller does not.
func TestResolvesWhatItSaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	issue := newIssue("a", scopeNamed("Deployment", "web", "uid-old", namespace))
	issue.ResourceVersion = "7"
	var sent *issuesv1alpha1.IssueResolution
	w.issues.PrependReactor("create", "issues", func(action clienttesting.Action) (bool, runtime.Object, error) {
		sent = action.(clienttesting.CreateActionImpl).Object.(*issuesv1alpha1.IssueResolution)
		return true, nil, apierrors.NewConflict(schema.GroupResource{}, "a", fmt.Errorf("it is another"))
	})
	require.Error(t, w.resolve(t.Context(), w.find(t, issue)), "it is looked at again")
	require.Equal(t, "7", sent.ResourceVersion)
}

// find is the finding that an issue's object is gone.
func (w *world) find(t *testing.T, issue *issuesv1alpha1.Issue) finding {
	t.Helper()
	require.NoError(t, w.Controller.issues.GetIndexer().Add(issue))
	w.kinds.need(t.Context(), onlyDeployments)
	t.Cleanup(w.kinds.end)
	return finding{types.NamespacedName{Namespace: issue.Namespace, Name: issue.Name}, *scopeOf(issue)}
}

// TestWatchesEnd: a kind that no issue needs is not watched.
func TestWatchesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	for range 2 {
		w.kinds.need(t.Context(), onlyDeployments)
		require.Len(t, w.kinds.watches, 1)
	}
	w.kinds.need(t.Context(), nil)
	require.Empty(t, w.kinds.watches)
	w.kinds.running.Wait()
}

// TestInventedKinds: users write what they like into issues, which must not become
// requests to the host.
func TestInventedKinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	needed := map[schema.GroupKind]bool{{Group: "apps", Kind: "StatefulSet"}: true}
	for i := range 1000 {
		needed[schema.GroupKind{Group: fmt.Sprintf("g%d.example.com", i), Kind: "Gadget"}] = true
	}
	w.kinds.need(t.Context(), needed)
	asked := len(w.host.Actions())
	require.Less(t, asked, 10, "what is served, and three verbs of the one kind that is")
	w.kinds.need(t.Context(), needed)
	require.Len(t, w.host.Actions(), asked, "the answers are remembered")

	w.allowed.Insert(statefulSets.Resource)
	w.clock.Step(renewal)
	w.kinds.need(t.Context(), needed)
	require.Len(t, w.kinds.watches, 1, "a right that is granted later counts")
	w.kinds.end()
}
