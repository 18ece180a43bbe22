// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// follows is how soon an issue follows what happens.
const follows = 5 * time.Second

const outdated = "registry.example/task-git-clone:0.1@sha256:0000"

// place is what the cases of TestProducers share.
type place struct {
	*cluster

	namespace, managed string
	issues             issuesclient.IssueInterface
	dynamic            dynamic.Interface
}

// producerCase breaks something and mends it. Fail and mend return when that has happened:
// what their condition asks for is seen.
type producerCase struct {
	selector string
	kind     string // the issue's type
	title    string
	fail     func(*testing.T, *place)
	mend     func(*testing.T, *place)
}

var producerCases = map[string]producerCase{
	"Build": {
		selector: "spec.scope.kind=Component,spec.scope.name=frontend,spec.type=build", kind: "build", title: "exited with code 1",
		fail: func(t *testing.T, p *place) { p.finish(t, p.buildOf("frontend", "exit 1\n"), false) },
		mend: func(t *testing.T, p *place) { p.finish(t, p.buildOf("frontend", "echo built\n"), true) },
	},
	"Test": {
		selector: "spec.scope.name=frontend,spec.type=test", kind: "test", title: "exited with code 1",
		fail: func(t *testing.T, p *place) { p.finish(t, p.testOf("frontend", "exit 1\n"), false) },
		mend: func(t *testing.T, p *place) { p.finish(t, p.testOf("frontend", "echo tested\n"), true) },
	},
	"MintMaker": {
		selector: "spec.scope.name=backend,spec.type=dependency", kind: "dependency", title: "backend",
		fail: func(t *testing.T, p *place) {
			p.finish(t, p.updateOf("backend"), false)
		},
		mend: func(t *testing.T, p *place) { p.finish(t, p.buildOf("backend", "echo built\n"), true) },
	},
	"ManagedRelease": {
		selector: "spec.scope.kind=ReleasePlan,spec.scope.name=shop-prod", kind: "release", title: "ManagedPipelineProcessed",
		fail: func(t *testing.T, p *place) { p.release(t, "shop-1", "exit 1\n", "False", "Failed") },
		mend: func(t *testing.T, p *place) { p.release(t, "shop-2", "echo released\n", "True", "Succeeded") },
	},
	"TaskUpdate": {
		selector: "spec.scope.name=frontend,spec.key=task/git-clone", kind: "dependency", title: "Task git-clone of component frontend is out of date",
		fail: func(t *testing.T, p *place) { p.useTask(t, outdated) },
		mend: func(t *testing.T, p *place) { p.useTask(t, "registry.example/task-git-clone:0.2@sha256:1111") },
	},
	"Image": {
		selector: "spec.scope.kind=Deployment,spec.scope.name=image,spec.key=ImagePull", kind: "runtime", title: "an image cannot be pulled",
		fail: func(t *testing.T, p *place) {
			p.deploy(t, "image", "127.0.0.1:1/absent:1", "sleep 3600")
			p.awaitPod(t, "image", waitsFor("ErrImagePull", "ImagePullBackOff"))
		},
		mend: func(t *testing.T, p *place) { p.redeploy(t, "image") },
	},
	"Deployment": {
		selector: "spec.scope.kind=Deployment,spec.scope.name=image,spec.key=NotAvailable", kind: "runtime", title: "Deployment image has fewer replicas than it should",
		fail: func(t *testing.T, p *place) { p.awaitDeployment(t, "image", corev1.ConditionFalse) },
		mend: func(t *testing.T, p *place) { p.awaitDeployment(t, "image", corev1.ConditionTrue) },
	},
	"StatefulSet": {
		selector: "spec.scope.kind=StatefulSet,spec.scope.name=db,spec.key=NotAvailable", kind: "runtime", title: "StatefulSet db has fewer replicas than it should",
		fail: func(t *testing.T, p *place) { p.statefulSet(t, "exit 1") },
		mend: func(t *testing.T, p *place) { p.statefulSet(t, "sleep 3600") },
	},
	"DaemonSet": {
		selector: "spec.scope.kind=DaemonSet,spec.scope.name=agent,spec.key=NotAvailable", kind: "runtime", title: "DaemonSet agent has fewer pods than it should",
		fail: func(t *testing.T, p *place) { p.daemonSet(t, "exit 1") },
		mend: func(t *testing.T, p *place) { p.daemonSet(t, "sleep 3600") },
	},
	"Certificate": {
		selector: "spec.scope.kind=Certificate,spec.scope.name=web", kind: "runtime", title: "Certificate web is not ready",
		fail: func(t *testing.T, p *place) { p.certificate(t, "False", "DoesNotExist") },
		mend: func(t *testing.T, p *place) { p.certificate(t, "True", "Ready") },
	},
	"Conforma": {
		selector: "spec.scope.name=frontend,spec.type=policy", kind: "policy", title: "Component frontend violates the policy",
		fail: func(t *testing.T, p *place) { p.conforma(t, "FAILURE") },
		mend: func(t *testing.T, p *place) { p.conforma(t, "SUCCESS") },
	},
	"Crash": {
		selector: "spec.scope.kind=Deployment,spec.scope.name=crash,spec.key=CrashLoop", kind: "runtime", title: "container main crashes again and again",
		fail: func(t *testing.T, p *place) {
			p.deploy(t, "crash", p.image, "exit 1")
			p.awaitPod(t, "crash", func(_ *corev1.Pod, of *corev1.ContainerStatus) bool {
				return of.RestartCount > 1 && of.State.Terminated != nil
			})
		},
		mend: func(t *testing.T, p *place) { p.redeploy(t, "crash") },
	},
	"Job": {
		selector: "spec.scope.kind=CronJob,spec.scope.name=backup", kind: "runtime", title: "CronJob backup failed",
		fail: func(t *testing.T, p *place) { p.runJob(t, "backup-1", "exit 1", batchv1.JobFailed) },
		mend: func(t *testing.T, p *place) { p.runJob(t, "backup-2", "echo done", batchv1.JobComplete) },
	},
	"Claim": {
		selector: "spec.scope.kind=PersistentVolumeClaim,spec.scope.name=data", kind: "runtime", title: "PersistentVolumeClaim data has no volume",
		fail: func(t *testing.T, p *place) { p.claim(t) },
		mend: func(t *testing.T, p *place) { p.bind(t) },
	},
	"Webhook": {
		selector: "spec.scope.kind=Pipeline,spec.scope.name=nightly", kind: "pipeline", title: "nightly",
		fail: func(t *testing.T, p *place) { p.webhooks(t, "ci", "fail") },
		mend: func(t *testing.T, p *place) { p.webhooks(t, "ci", "recover") },
	},
	"SignedWebhook": {
		selector: "spec.scope.kind=Deploy,spec.scope.name=shop", kind: "release", title: "Deploy shop failed",
		fail: func(t *testing.T, p *place) { p.webhooks(t, "signed", "fail") },
		mend: func(t *testing.T, p *place) { p.webhooks(t, "signed", "recover") },
	},
	// What never ran is found by a monitor, and its recovery by the controller of PipelineRuns.
	"Snapshot": {
		selector: "spec.scope.kind=Component,spec.scope.name=api", kind: "test", title: "Test e2e of snapshot shop-abc never ran: TestInvalid",
		fail: func(t *testing.T, p *place) { p.snapshot(t) },
		mend: func(t *testing.T, p *place) { p.finish(t, p.testOf("api", "echo tested\n"), true) },
	},
	"Alert": {
		selector: "spec.scope.kind=CronJob,spec.scope.name=report", kind: "runtime", title: "report",
		fail: func(t *testing.T, p *place) { p.webhooks(t, "alert", "fail") },
		mend: func(t *testing.T, p *place) { p.webhooks(t, "alert", "recover") },
	},
}

// TestProducers: everything that breaks becomes an issue, and the issue ends with its cause,
// though kite-controllers and kite-gateway are restarted in between.
//
//nolint:paralleltest // there is one cluster
func TestProducers(t *testing.T) {
	c := newCluster(t)
	t.Cleanup(func() { // what no other test has
		c.kubectl(t, "delete", "-k", "artifacts/monitors", "--ignore-not-found")
		c.kubectl(t, "delete", "-f", "test/crds", "--ignore-not-found")
	})
	c.kubectl(t, "apply", "-f", "test/crds")
	c.kubectl(t, "apply", "-k", "artifacts/monitors")
	c.namespace(t, metav1.ObjectMeta{Name: "mintmaker"})
	p := &place{cluster: c, namespace: c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"}), managed: c.namespace(t, metav1.ObjectMeta{GenerateName: "managed-"})}
	p.issues = c.account(t, p.namespace, "viewer", "view").Issues(p.namespace)
	p.dynamic = dynamic.NewForConfigOrDie(c.admin)
	p.account(t, p.namespace, "sender", "kite-issues-reporter")
	c.kubectl(t, "apply", "-n", p.namespace, "-f", "test/e2e/testdata/webhook.yaml")
	c.kubectl(t, "wait", "-n", p.namespace, "issuewebhook/deploys", "--for=condition=Ready", "--timeout=60s")
	p.hasten(t)

	t.Run("Fail", func(t *testing.T) {
		p.each(t, v1alpha1.StateActive, func(of producerCase) func(*testing.T, *place) { return of.fail })
	})
	p.notStarted(t)
	before := p.occurrences(t)
	require.Len(t, before, len(producerCases)+1, "one issue for each, and of the trigger")
	p.restart(t, "kite-controllers", "kite-gateway")
	t.Run("Recover", func(t *testing.T) {
		p.each(t, v1alpha1.StateResolved, func(of producerCase) func(*testing.T, *place) { return of.mend })
	})
	require.Equal(t, before, p.occurrences(t), "nothing is counted twice")
}

// each does one step of every case at the same time, and tells how long its issue took to
// follow.
func (p *place) each(t *testing.T, want v1alpha1.IssueState, step func(producerCase) func(*testing.T, *place)) {
	for name, of := range producerCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step(of)(t, p)
			seen := time.Now()
			issue := p.await(t, of.selector, want)
			took := time.Since(seen)
			t.Logf("the issue is %s %d ms after the event", want, took.Milliseconds())
			require.Less(t, took, follows)
			require.Equal(t, of.kind, issue.Spec.Type)
			require.Contains(t, issue.Spec.Title, of.title)
		})
	}
}

func (p *place) await(t *testing.T, selector string, want v1alpha1.IssueState) *v1alpha1.Issue {
	t.Helper()
	var found *v1alpha1.Issue
	eventually(t, fmt.Sprintf("the issue with %s is %s", selector, want), func(ctx context.Context) error {
		list, err := p.issues.List(ctx, metav1.ListOptions{FieldSelector: selector})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Status.State != want {
			return fmt.Errorf("there are %d issues", len(list.Items))
		}
		found = &list.Items[0]
		return nil
	})
	return found
}

// occurrences of every issue, by its name. That what owns broken pods is not available, or that
// its pods crash, is an issue as well, and comes and goes with each of their starts.
func (p *place) occurrences(t *testing.T) map[string]int32 {
	t.Helper()
	list, err := p.issues.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	out := map[string]int32{}
	for i := range list.Items {
		spec := &list.Items[i].Spec
		crash := spec.Scope.Kind == "Deployment" && spec.Scope.Name == "crash"
		if crash && spec.Key == "NotAvailable" || !crash && spec.Key == "CrashLoop" {
			continue
		}
		out[list.Items[i].Name] = list.Items[i].Status.Occurrences
	}
	return out
}

// hasten lets monitors report at once what they give some minutes, and says which task is
// out of date.
func (p *place) hasten(t *testing.T) {
	t.Helper()
	monitors := versioned.NewForConfigOrDie(p.admin).IssuesV1alpha1().ClusterIssueMonitors()
	list, err := monitors.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, list.Items)
	for i := range list.Items {
		monitor, patch := &list.Items[i], "{}"
		if monitor.Spec.For != nil {
			patch = `{"spec":{"for":"1s"}}`
		}
		if monitor.Spec.RecoveredFor != nil {
			patch = `{"spec":{"recoveredFor":"3s"}}`
		}
		if monitor.Name == "task-update" {
			patch = fmt.Sprintf(`{"spec":{"table":[{"name":%q,"values":{"newest":"registry.example/task-git-clone:0.2"}}]}}`, outdated)
		}
		_, err := monitors.Patch(t.Context(), monitor.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		require.NoError(t, err)
	}
	eventually(t, "every monitor watches", func(ctx context.Context) error {
		list, err := monitors.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			status := list.Items[i].Status
			if status.ObservedGeneration != list.Items[i].Generation || !slices.ContainsFunc(status.Conditions, func(of metav1.Condition) bool {
				return of.Type == v1alpha1.ConditionWatching && of.Status == metav1.ConditionTrue
			}) {
				err = errors.Join(err, fmt.Errorf("%s: %v", list.Items[i].Name, status.Conditions))
			}
		}
		return err
	})
}

// restart kills all pods of Deployments, and waits until others do their work.
func (c *cluster) restart(t *testing.T, names ...string) {
	t.Helper()
	pods := c.kubernetes.CoreV1().Pods(system)
	for _, name := range names {
		selector := metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + name}
		old, err := pods.List(t.Context(), selector)
		require.NoError(t, err)
		require.NotEmpty(t, old.Items, name)
		require.NoError(t, pods.DeleteCollection(t.Context(), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, selector))
		eventually(t, name+" is back", func(ctx context.Context) error {
			deployment, err := c.kubernetes.AppsV1().Deployments(system).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			now, err := pods.List(ctx, selector)
			if err != nil {
				return err
			}
			ready := slices.DeleteFunc(now.Items, func(pod corev1.Pod) bool {
				return !podReady(&pod) || slices.ContainsFunc(old.Items, func(gone corev1.Pod) bool { return gone.UID == pod.UID })
			})
			if len(ready) != int(*deployment.Spec.Replicas) { // its status is that of before for a while
				return fmt.Errorf("%d of %d pods are ready", len(ready), *deployment.Spec.Replicas)
			}
			return c.leads(ctx, name, ready)
		})
	}
}

func podReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(of corev1.PodCondition) bool {
		return of.Type == corev1.PodReady && of.Status == corev1.ConditionTrue
	})
}

// leads says whether one of the pods is the leader, where there is one.
func (c *cluster) leads(ctx context.Context, name string, pods []corev1.Pod) error {
	lease, err := c.kubernetes.CoordinationV1().Leases(system).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	holder := *lease.Spec.HolderIdentity
	if !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return strings.HasPrefix(holder, pod.Name+"_") }) {
		return fmt.Errorf("%s leads", holder)
	}
	return nil
}
