// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/monitor"
	reports "kite.dev/kite/pkg/report"
)

// crashing is a pod of the Deployment web, as kubelet leaves it.
const crashing = `
apiVersion: v1
kind: Pod
metadata:
  name: web-5d4f8c7b9d-x7k2p
  namespace: ` + namespace + `
  uid: pod-1
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9d, uid: set-1, controller: true}]
status:
  containerStatuses: [{name: web, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff}}}]`

// startMonitors starts the controller of monitors on a server, in a cluster of one pod.
func startMonitors(t *testing.T, cfg *rest.Config) {
	t.Helper()
	pods, sets := schema.GroupVersionResource{Version: "v1", Resource: "pods"}, schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
	pod := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(crashing), &pod.Object))
	owned := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web-5d4f8c7b9d", UID: "set-1", OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "web-1", Controller: new(true)},
		}},
	}
	deployment := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", UID: "web-1"},
	}
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.AddSpecific(pods.GroupVersion().WithKind("Pod"), pods, pods, meta.RESTScopeNamespace)
	mapper.Add(sets.GroupVersion().WithKind("ReplicaSet"), meta.RESTScopeNamespace)
	mapper.Add(sets.GroupVersion().WithKind("Deployment"), meta.RESTScopeNamespace)
	host := kubefake.NewClientset()
	host.Resources = []*metav1.APIResourceList{{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true}}}}
	host.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		review.Status.Allowed = true
		return true, review, nil
	})
	client := Client(t, cfg)
	controller := monitor.New(monitor.Clients{
		Issues: client, Reporter: reports.New(client.IssuesV1alpha1()), Mapper: mapper,
		Objects:   dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{pods: "PodList"}, pod),
		Metadata:  metadatafake.NewSimpleMetadataClient(scheme, owned, deployment),
		Discovery: discovery.ToDiscoveryInterfaceWithContext(host.Discovery()),
		Access:    host.AuthorizationV1().SelfSubjectAccessReviews(),
	}, clock.RealClock{})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- controller.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

// shippedMonitor is one of artifacts/monitors/workloads.yaml.
func shippedMonitor(t *testing.T, name string) *v1alpha1.ClusterIssueMonitor {
	t.Helper()
	content, err := os.ReadFile("../../artifacts/monitors/workloads.yaml")
	require.NoError(t, err)
	for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
		out := &v1alpha1.ClusterIssueMonitor{}
		require.NoError(t, yaml.UnmarshalStrict(document, out))
		if out.Name == name {
			return out
		}
	}
	require.Fail(t, "no such monitor", name)
	return nil
}

// TestMonitorsAndAlertsMeet: with a monitor, alerts and events on, one crashing workload is
// one issue.
func TestMonitorsAndAlertsMeet(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithTokens(senders), WithAuthorizer(reporters))
	g, issues := StartGateway(t, cfg), Client(t, cfg).IssuesV1alpha1()
	_, err := issues.ClusterIssueMonitors().Create(t.Context(), shippedMonitor(t, "pod-crash-loop"), metav1.CreateOptions{})
	require.NoError(t, err)
	startMonitors(t, cfg)
	all := func() []v1alpha1.Issue {
		list, err := issues.Issues(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		return list.Items
	}
	require.Eventually(t, func() bool { return len(all()) == 1 }, startTimeout, 20*time.Millisecond)
	seen := all()[0]
	require.Equal(t, "ClusterIssueMonitor/pod-crash-loop", seen.Status.Source)

	now := time.Now()
	code, answer := g.Post(t, editorToken, "/api/v1/webhooks/alertmanager", alertOf("firing", now, time.Time{}))
	require.Equal(t, http.StatusOK, code, answer)
	code, content, _ := g.Raw(t, editorToken, "/api/v1/webhooks/cloudevents", "application/cloudevents+json", eventOf(1, now.Add(time.Second)))
	require.Equal(t, http.StatusNoContent, code, string(content))
	met := all()
	require.Len(t, met, 1)
	require.Equal(t, seen.UID, met[0].UID)
	require.Equal(t, seen.Status.Occurrences+2, met[0].Status.Occurrences)
}
