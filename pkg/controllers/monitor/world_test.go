// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
	"kite.dev/kite/pkg/issue"
)

const (
	namespace = "team-gamma"
	patience  = 10 * time.Second
	pause     = 5 * time.Millisecond
)

var (
	start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

	gadgets    = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gadgets"}
	clusters   = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "clusters"}
	gadgetSets = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gadgetsets"}
)

// server decides about reports as kite-apiserver does, and shows Active issues only, as
// the controller asks for them.
type server struct {
	t      testing.TB
	client *fake.Clientset

	mu      sync.Mutex
	issues  map[string]*issues.Issue
	results []issues.ReportResult
	version int
	refuse  func(issuesv1alpha1.IssueReportSpec) error
	clock   *clocktesting.FakeClock
}

func (s *server) Failed(_ context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeFailed
	return s.report("kite-controllers", namespace, spec)
}

func (s *server) Succeeded(_ context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeSucceeded
	return s.report("kite-controllers", namespace, spec)
}

func (s *server) report(by, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(spec); err != nil {
			return issuesv1alpha1.IssueReportStatus{}, err
		}
	}
	report := &issues.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}}
	require.NoError(s.t, issuesv1alpha1.Convert_v1alpha1_IssueReportSpec_To_issues_IssueReportSpec(spec.DeepCopy(), &report.Spec, nil))
	name := issue.IdentityOfReport(report).Names()[0]
	decision := issue.Apply(s.issues[namespace+"/"+name], report, issue.Reporter{User: by}, s.clock.Now())
	s.results = append(s.results, decision.Result)
	if decision.Changed {
		s.store(decision.Issue)
	}
	out := issuesv1alpha1.IssueReportStatus{Result: issuesv1alpha1.ReportResult(decision.Result)}
	if decision.Issue != nil {
		out.Issues = []issuesv1alpha1.ReportedObject{{Name: decision.Issue.Name}}
	}
	return out, nil
}

// resolve is a person's, or a controller's, without a report.
func (s *server) resolve(title, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.issues {
		if i.Spec.Title == title {
			resolved, ok := issue.Resolve(i, "jane", &issues.IssueResolution{Reason: reason}, s.clock.Now())
			require.True(s.t, ok)
			s.store(resolved)
		}
	}
}

// reopen is a person's.
func (s *server) reopen(title string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.issues {
		if i.Spec.Title == title {
			reopened, ok := issue.Reopen(i, "jane", at)
			require.True(s.t, ok)
			s.store(reopened)
		}
	}
}

// store shows an issue to the controller while it is Active. The caller holds mu.
func (s *server) store(changed *issues.Issue) {
	s.version++
	changed.ResourceVersion = strconv.Itoa(s.version)
	s.issues[changed.Namespace+"/"+changed.Name] = changed
	gvr := issuesv1alpha1.SchemeGroupVersion.WithResource("issues")
	tracker := s.client.Tracker()
	if changed.Status.State != issues.StateActive {
		if err := tracker.Delete(gvr, changed.Namespace, changed.Name); !apierrors.IsNotFound(err) {
			require.NoError(s.t, err)
		}
		return
	}
	out := &issuesv1alpha1.Issue{}
	require.NoError(s.t, issuesv1alpha1.Convert_issues_Issue_To_v1alpha1_Issue(changed.DeepCopy(), out, nil))
	if _, err := tracker.Get(gvr, out.Namespace, out.Name); apierrors.IsNotFound(err) {
		require.NoError(s.t, tracker.Create(gvr, out, out.Namespace))
		return
	}
	require.NoError(s.t, tracker.Update(gvr, out, out.Namespace))
}

// get shows Resolved issues, too.
func (s *server) get(action clienttesting.Action) (bool, runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := action.(clienttesting.GetAction).GetName()
	found, ok := s.issues[action.GetNamespace()+"/"+name]
	if !ok {
		return true, nil, apierrors.NewNotFound(issues.Resource("issues"), name)
	}
	out := &issuesv1alpha1.Issue{}
	require.NoError(s.t, issuesv1alpha1.Convert_issues_Issue_To_v1alpha1_Issue(found.DeepCopy(), out, nil))
	return true, out, nil
}

// update writes the status of a monitor, or the rest of it, where the fake would write both.
func (s *server) update(action clienttesting.Action) (bool, runtime.Object, error) {
	given := action.(clienttesting.UpdateAction).GetObject().DeepCopyObject()
	accessor, err := meta.Accessor(given)
	require.NoError(s.t, err)
	out, err := s.client.Tracker().Get(action.GetResource(), action.GetNamespace(), accessor.GetName())
	if err != nil {
		return true, nil, err
	}
	from := given
	if action.GetSubresource() == "" {
		out, from = given, out
	}
	*statusOf(out) = *statusOf(from)
	return true, out, s.client.Tracker().Update(action.GetResource(), out, action.GetNamespace())
}

func statusOf(monitor runtime.Object) *issuesv1alpha1.IssueMonitorStatus {
	if m, ok := monitor.(*issuesv1alpha1.IssueMonitor); ok {
		return &m.Status
	}
	return &monitor.(*issuesv1alpha1.ClusterIssueMonitor).Status
}

// all are the issues by title and state.
func (s *server) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, i := range s.issues {
		out = append(out, i.Spec.Title+" "+string(i.Status.State))
	}
	slices.Sort(out)
	return out
}

// one is the only issue.
func (s *server) one() *issues.Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(s.t, s.issues, 1)
	for _, i := range s.issues {
		return i.DeepCopy()
	}
	return nil
}

// scope is the only issue's.
func (s *server) scope() issuesv1alpha1.IssueScope {
	return issuesv1alpha1.IssueScope(s.one().Spec.Scope)
}

func (s *server) reports() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.results)
}

// world is a cluster with gadgets.
type world struct {
	t *testing.T
	*server
	objects  *dynamicfake.FakeDynamicClient
	metadata *metadatafake.FakeMetadataClient
	host     *kubefake.Clientset
	allowed  sets.Set[string]

	controller *Controller
	stop       func()
}

func newWorld(t *testing.T, monitors ...runtime.Object) *world {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	w := &world{
		t: t,
		server: &server{
			t: t, client: fake.NewSimpleClientset(monitors...), issues: map[string]*issues.Issue{},
			clock: clocktesting.NewFakeClock(start),
		},
		objects: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
			gadgets: "GadgetList", clusters: "ClusterList",
		}),
		metadata: metadatafake.NewSimpleMetadataClient(scheme),
		host:     kubefake.NewClientset(),
		allowed:  sets.New(gadgets.Resource, clusters.Resource),
	}
	w.client.PrependReactor("get", "issues", w.get)
	for _, resource := range []string{"issuemonitors", "clusterissuemonitors"} {
		w.client.PrependReactor("update", resource, w.update)
	}
	w.serve(metav1.APIResource{Name: gadgets.Resource, Kind: "Gadget", Namespaced: true}, metav1.APIResource{Name: clusters.Resource, Kind: "Cluster"})
	w.host.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		w.mu.Lock()
		defer w.mu.Unlock()
		review.Status.Allowed = w.allowed.Has(review.Spec.ResourceAttributes.Resource)
		return true, review, nil
	})
	return w
}

func (w *world) serve(resources ...metav1.APIResource) {
	w.host.Resources = []*metav1.APIResourceList{{GroupVersion: gadgets.GroupVersion().String(), APIResources: resources}}
}

func (w *world) allow(resource string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed.Insert(resource)
}

func (w *world) forbid(resource string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed.Delete(resource)
}

// run starts a controller, after it has stopped the last one.
func (w *world) run() {
	w.t.Helper()
	w.end()
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{gadgets.GroupVersion()})
	mapper.AddSpecific(gadgets.GroupVersion().WithKind("Gadget"), gadgets, gadgets, meta.RESTScopeNamespace)
	mapper.AddSpecific(gadgetSets.GroupVersion().WithKind("GadgetSet"), gadgetSets, gadgetSets, meta.RESTScopeNamespace)
	mapper.AddSpecific(clusters.GroupVersion().WithKind("Cluster"), clusters, clusters, meta.RESTScopeRoot)
	w.controller = New(Clients{
		Issues: w.client, Reporter: w.server, Objects: w.objects, Metadata: w.metadata, Mapper: mapper,
		Discovery: discovery.ToDiscoveryInterfaceWithContext(w.host.Discovery()),
		Access:    w.host.AuthorizationV1().SelfSubjectAccessReviews(),
	}, w.clock)
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	controller := w.controller
	go func() { ended <- controller.Start(ctx) }()
	w.stop = func() {
		cancel()
		require.NoError(w.t, <-ended)
	}
	w.t.Cleanup(w.end)
}

func (w *world) end() {
	if w.stop != nil {
		w.stop()
	}
	w.stop = nil
}

// settle waits until the controller has nothing to do for this moment.
func (w *world) settle(monitors ...types.NamespacedName) {
	w.t.Helper()
	for _, key := range monitors {
		w.eventually(func() bool {
			watcher := w.controller.watcher(key)
			if watcher == nil {
				return false
			}
			watcher.mu.Lock()
			defer watcher.mu.Unlock()
			return watcher.complete
		}, "monitor "+key.String()+" watches")
	}
}

func (w *world) eventually(condition func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.controller.wake()
		return condition()
	}, patience, pause, what)
}

// see waits for issues.
func (w *world) see(want ...string) {
	w.t.Helper()
	w.seeAfter(0, want)
}

// seeLater lets time pass, so that what has failed is tried again.
func (w *world) seeLater(want ...string) {
	w.t.Helper()
	w.seeAfter(firstRetry, want)
}

func (w *world) seeAfter(step time.Duration, want []string) {
	w.t.Helper()
	var have []string
	ok := func() bool {
		w.clock.Step(step)
		w.controller.wake()
		have = w.all()
		return slices.Equal(want, have)
	}
	for range int(patience / pause) {
		if ok() {
			return
		}
		<-time.After(pause)
	}
	require.Equal(w.t, want, have)
}

// status waits for a status.
func (w *world) status(key types.NamespacedName, until func(issuesv1alpha1.IssueMonitorStatus) bool) issuesv1alpha1.IssueMonitorStatus {
	w.t.Helper()
	var out issuesv1alpha1.IssueMonitorStatus
	w.eventually(func() bool {
		w.clock.Step(statusPause)
		if key.Namespace == "" {
			obj, err := w.client.IssuesV1alpha1().ClusterIssueMonitors().Get(w.t.Context(), key.Name, metav1.GetOptions{})
			require.NoError(w.t, err)
			out = obj.Status
		} else {
			obj, err := w.client.IssuesV1alpha1().IssueMonitors(key.Namespace).Get(w.t.Context(), key.Name, metav1.GetOptions{})
			require.NoError(w.t, err)
			out = obj.Status
		}
		return until(out)
	}, "status of "+key.String())
	return out
}

func watching(status issuesv1alpha1.IssueMonitorStatus) string {
	if c := meta.FindStatusCondition(status.Conditions, issuesv1alpha1.ConditionWatching); c != nil {
		return c.Reason
	}
	return ""
}

// put creates or updates an object.
func (w *world) put(obj *unstructured.Unstructured) {
	w.t.Helper()
	tracker := w.objects.Tracker()
	if _, err := tracker.Get(gadgets, obj.GetNamespace(), obj.GetName()); apierrors.IsNotFound(err) {
		require.NoError(w.t, tracker.Create(gadgets, obj.DeepCopy(), obj.GetNamespace()))
		return
	}
	require.NoError(w.t, tracker.Update(gadgets, obj.DeepCopy(), obj.GetNamespace()))
}

func (w *world) remove(in, name string) {
	w.t.Helper()
	if w.stop != nil { // a watch of the fake does not tell what went before it began
		w.eventually(func() bool { return w.asked("watch") >= w.asked("list") }, "what was listed is watched")
	}
	require.NoError(w.t, w.objects.Tracker().Delete(gadgets, in, name))
}

func (w *world) addNamespace(name string, labels map[string]string, uid ...types.UID) {
	w.t.Helper()
	obj := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, UID: append(uid, "uid")[0]},
	}
	gvr := corev1.SchemeGroupVersion.WithResource("namespaces")
	if _, err := w.metadata.Tracker().Get(gvr, "", name); apierrors.IsNotFound(err) {
		require.NoError(w.t, w.metadata.Tracker().Create(gvr, obj, ""))
		return
	}
	require.NoError(w.t, w.metadata.Tracker().Update(gvr, obj, ""))
}

// gadget is an object in a state, since some seconds after the start.
func gadget(name, state string, seconds int, edit ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Gadget",
		"metadata": map[string]any{"namespace": namespace, "name": name, "uid": "uid-" + name},
		"status":   map[string]any{"state": state, "since": at(seconds).Format(time.RFC3339)},
	}}
	for _, f := range edit {
		f(out)
	}
	return out
}

func in(namespace string) func(*unstructured.Unstructured) {
	return func(obj *unstructured.Unstructured) { obj.SetNamespace(namespace) }
}

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func spec(edit ...func(*issuesv1alpha1.IssueMonitorSpec)) issuesv1alpha1.IssueMonitorSpec {
	out := issuesv1alpha1.IssueMonitorSpec{
		Resource: issuesv1alpha1.MonitoredResource{Group: gadgets.Group, Version: gadgets.Version, Kind: "Gadget", Resource: gadgets.Resource},
		Mode:     issuesv1alpha1.ModeState,
		Failing:  `object.status.state == "bad"`, Recovered: `object.status.state == "good"`,
		Ignore:     `object.status.state == "ignored"`,
		ObservedAt: `object.status.since`,
		Issue: issuesv1alpha1.IssueTemplate{
			Type: issuesv1alpha1.TypeRuntime, Severity: issuesv1alpha1.SeverityMajor, Title: `object.metadata.name`,
		},
	}
	for _, f := range edit {
		f(&out)
	}
	return out
}

var (
	own     = types.NamespacedName{Namespace: namespace, Name: "gadgets"}
	cluster = types.NamespacedName{Name: "gadgets"}
)

func newMonitor(edit ...func(*issuesv1alpha1.IssueMonitorSpec)) *issuesv1alpha1.IssueMonitor {
	return &issuesv1alpha1.IssueMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: own.Namespace, Name: own.Name, UID: "uid-monitor", Generation: 1},
		Spec:       spec(edit...),
	}
}

func newClusterMonitor(edit ...func(*issuesv1alpha1.IssueMonitorSpec)) *issuesv1alpha1.ClusterIssueMonitor {
	return &issuesv1alpha1.ClusterIssueMonitor{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name, UID: "uid-cluster", Generation: 1},
		Spec:       spec(edit...),
	}
}

// change writes another spec as its author does.
func (w *world) change(edit func(*issuesv1alpha1.IssueMonitorSpec)) {
	w.t.Helper()
	monitors := w.client.IssuesV1alpha1().IssueMonitors(namespace)
	obj, err := monitors.Get(w.t.Context(), own.Name, metav1.GetOptions{})
	require.NoError(w.t, err)
	edit(&obj.Spec)
	obj.Generation++
	_, err = monitors.Update(w.t.Context(), obj, metav1.UpdateOptions{})
	require.NoError(w.t, err)
}
