// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func (p *place) buildOf(name, script string) *tektonv1.PipelineRun {
	run := p.build(component{namespace: p.namespace, name: name})
	run.Spec.PipelineSpec.Tasks[0].TaskSpec.Steps[0].Script = "#!/bin/sh\n" + script
	return run
}

// updateOf is a run of MintMaker that fails, for no vulnerability: groups are over all
// namespaces.
func (p *place) updateOf(name string) *tektonv1.PipelineRun {
	run := p.newRun("mintmaker", "renovate", "echo 'Bad credentials - aborting'\nexit 1\n")
	run.Labels = map[string]string{
		"mintmaker.appstudio.redhat.com/namespace": p.namespace,
		"mintmaker.appstudio.redhat.com/component": name,
		"mintmaker.appstudio.redhat.com/branch":    "main",
	}
	return run
}

func (p *place) testOf(name, script string) *tektonv1.PipelineRun {
	run := p.newRun(p.namespace, "test", script)
	run.Labels = map[string]string{
		"pipelines.appstudio.openshift.io/type":      "test",
		"appstudio.openshift.io/component":           name,
		"test.appstudio.openshift.io/scenario":       "e2e",
		"pac.test.appstudio.openshift.io/event-type": "push",
	}
	return run
}

// finish runs a PipelineRun to its end.
func (p *place) finish(t *testing.T, run *tektonv1.PipelineRun, succeeds bool) {
	t.Helper()
	p.start(t, run)
	eventually(t, "the run ends", func(ctx context.Context) error {
		if err := p.tekton.Get(ctx, client.ObjectKeyFromObject(run), run); err != nil {
			return err
		}
		condition := run.Status.GetCondition(apis.ConditionSucceeded)
		if condition.IsUnknown() {
			return errors.New("it has not ended")
		}
		require.Equal(t, succeeds, condition.IsTrue(), "%s", condition.GetMessage())
		return nil
	})
}

// release does what the release service does: it runs the managed pipeline elsewhere, and
// writes how it ended into the Release.
func (p *place) release(t *testing.T, name, script, released, reason string) {
	t.Helper()
	run := p.newRun(p.managed, "managed", script)
	run.Labels = map[string]string{"appstudio.openshift.io/service": "release", "pipelines.appstudio.openshift.io/type": "managed"}
	p.finish(t, run, released == "True")
	releases := p.dynamic.Resource(schema.GroupVersionResource{Group: "appstudio.redhat.com", Version: "v1alpha1", Resource: "releases"}).Namespace(p.namespace)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "appstudio.redhat.com/v1alpha1", "kind": "Release",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"releasePlan": "shop-prod", "snapshot": "shop-abc"},
	}}
	made, err := releases.Create(t.Context(), object, metav1.CreateOptions{})
	require.NoError(t, err)
	now := time.Now().UTC().Format(time.RFC3339)
	condition := func(kind string) any {
		return map[string]any{"type": kind, "status": released, "reason": reason, "lastTransitionTime": now, "message": ""}
	}
	made.Object["status"] = map[string]any{
		"managedProcessing": map[string]any{"pipelineRun": p.managed + "/" + run.Name},
		"conditions":        []any{condition("ManagedPipelineProcessed"), condition("Released")},
	}
	_, err = releases.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// snapshot is one whose test could not be started, as the integration service says it.
func (p *place) snapshot(t *testing.T) {
	t.Helper()
	status := fmt.Sprintf(`[{"scenario":"e2e","status":"TestInvalid","lastUpdateTime":%q,"details":"there is no such pipeline"}]`, time.Now().UTC().Format(time.RFC3339Nano))
	_, err := p.dynamic.Resource(schema.GroupVersionResource{Group: "appstudio.redhat.com", Version: "v1alpha1", Resource: "snapshots"}).Namespace(p.namespace).
		Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "appstudio.redhat.com/v1alpha1", "kind": "Snapshot",
			"metadata": map[string]any{
				"name":        "shop-abc",
				"labels":      map[string]any{"appstudio.openshift.io/component": "api", "pac.test.appstudio.openshift.io/event-type": "push"},
				"annotations": map[string]any{"test.appstudio.openshift.io/status": status},
			},
			"spec": map[string]any{"application": "shop"},
		}}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// useTask starts a build with a task of a bundle. No resolver fetches it here: what Tekton
// notes of the run at its start is enough.
func (p *place) useTask(t *testing.T, bundle string) {
	t.Helper()
	run := p.build(component{namespace: p.namespace, name: "frontend"})
	run.Spec.PipelineSpec.Tasks[0] = tektonv1.PipelineTask{Name: "clone", TaskRef: &tektonv1.TaskRef{ResolverRef: tektonv1.ResolverRef{
		Resolver: "bundles",
		Params: tektonv1.Params{
			{Name: "bundle", Value: *tektonv1.NewStructuredValues(bundle)},
			{Name: "name", Value: *tektonv1.NewStructuredValues("git-clone")},
			{Name: "kind", Value: *tektonv1.NewStructuredValues("task")},
		},
	}}}
	p.start(t, run)
	eventually(t, "Tekton has taken the run up", func(ctx context.Context) error {
		err := p.tekton.Get(ctx, client.ObjectKeyFromObject(run), run)
		if err == nil && run.Status.PipelineSpec == nil {
			err = errors.New("it has no pipeline")
		}
		return err
	})
	t.Cleanup(func() { p.cancel(t, run) })
}

func (p *place) deploy(t *testing.T, name, image, command string) {
	t.Helper()
	labels := map[string]string{"app": name}
	_, err := p.kubernetes.AppsV1().Deployments(p.namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			// The new pod takes the place of the broken one.
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(0)), Containers: []corev1.Container{{
					Name: "main", Image: image, Command: []string{"/bin/sh", "-c", command},
				}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// redeploy gives a Deployment what works.
func (p *place) redeploy(t *testing.T, name string) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":%q,"command":["/bin/sh","-c","sleep 3600"]}]}}}}`, p.image)
	_, err := p.kubernetes.AppsV1().Deployments(p.namespace).Patch(t.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	require.NoError(t, err)
	p.awaitPod(t, name, func(pod *corev1.Pod, of *corev1.ContainerStatus) bool {
		return of.State.Running != nil && slices.Contains(pod.Spec.Containers[0].Command, "sleep 3600") && strings.HasPrefix(of.Image, p.image)
	})
}

func waitsFor(reasons ...string) func(*corev1.Pod, *corev1.ContainerStatus) bool {
	return func(_ *corev1.Pod, of *corev1.ContainerStatus) bool {
		return of.State.Waiting != nil && slices.Contains(reasons, of.State.Waiting.Reason)
	}
}

// awaitPod waits until an app has one pod, whose container is as asked for.
func (p *place) awaitPod(t *testing.T, app string, is func(*corev1.Pod, *corev1.ContainerStatus) bool) {
	t.Helper()
	eventually(t, "the pod of "+app+" is as it should be", func(ctx context.Context) error {
		pods, err := p.kubernetes.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 || len(pods.Items[0].Status.ContainerStatuses) != 1 || !is(&pods.Items[0], &pods.Items[0].Status.ContainerStatuses[0]) {
			return errors.New("it is not yet")
		}
		return nil
	})
}

// awaitDeployment waits until a Deployment is available, or is not.
func (p *place) awaitDeployment(t *testing.T, name string, available corev1.ConditionStatus) {
	t.Helper()
	eventually(t, fmt.Sprintf("the Deployment %s is available: %s", name, available), func(ctx context.Context) error {
		deployment, err := p.kubernetes.AppsV1().Deployments(p.namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && !slices.ContainsFunc(deployment.Status.Conditions, func(of appsv1.DeploymentCondition) bool {
			return of.Type == appsv1.DeploymentAvailable && of.Status == available
		}) {
			err = errors.New("it is not so yet")
		}
		return err
	})
}

// runJob makes a Job of the CronJob backup, as its controller does, and waits for its end.
func (p *place) runJob(t *testing.T, name, command string, end batchv1.JobConditionType) {
	t.Helper()
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{
		Name: "main", Image: p.image, Command: []string{"/bin/sh", "-c", command},
	}}}}
	spec := batchv1.JobSpec{BackoffLimit: new(int32(0)), Template: template}
	cronJobs := p.kubernetes.BatchV1().CronJobs(p.namespace)
	cronJob, err := cronJobs.Get(t.Context(), "backup", metav1.GetOptions{})
	if err != nil {
		cronJob, err = cronJobs.Create(t.Context(), &batchv1.CronJob{
			ObjectMeta: metav1.ObjectMeta{Name: "backup"},
			Spec:       batchv1.CronJobSpec{Schedule: "0 0 1 1 *", Suspend: new(true), JobTemplate: batchv1.JobTemplateSpec{Spec: spec}},
		}, metav1.CreateOptions{})
	}
	require.NoError(t, err)
	jobs := p.kubernetes.BatchV1().Jobs(p.namespace)
	_, err = jobs.Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cronJob, batchv1.SchemeGroupVersion.WithKind("CronJob"))}},
		Spec:       spec,
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	eventually(t, "the Job ends", func(ctx context.Context) error {
		job, err := jobs.Get(ctx, name, metav1.GetOptions{})
		if err == nil && !slices.ContainsFunc(job.Status.Conditions, func(of batchv1.JobCondition) bool { return of.Type == end && of.Status == corev1.ConditionTrue }) {
			err = errors.New("it has not ended")
		}
		return err
	})
}

func (p *place) claim(t *testing.T) {
	t.Helper()
	_, err := p.kubernetes.CoreV1().PersistentVolumeClaims(p.namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("absent"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

// bind gives the claim a volume.
func (p *place) bind(t *testing.T) {
	t.Helper()
	volumes := p.kubernetes.CoreV1().PersistentVolumes()
	volume, err := volumes.Create(t.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "kite-test-"},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: "absent", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")},
			ClaimRef:               &corev1.ObjectReference{Namespace: p.namespace, Name: "data"},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp"}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = volumes.Delete(context.WithoutCancel(t.Context()), volume.Name, metav1.DeleteOptions{})
	})
	eventually(t, "the claim is bound", func(ctx context.Context) error {
		claim, err := p.kubernetes.CoreV1().PersistentVolumeClaims(p.namespace).Get(ctx, "data", metav1.GetOptions{})
		if err == nil && claim.Status.Phase != corev1.ClaimBound {
			err = errors.New("it is not")
		}
		return err
	})
}

func (p *place) template(name, command string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(0)), Containers: []corev1.Container{{
			Name: "main", Image: p.image, Command: []string{"/bin/sh", "-c", command},
		}}},
	}
}

// statefulSet makes the StatefulSet db, or gives it another command, and waits for what
// becomes of it. A pod that does not work is replaced by hand, as is usual for StatefulSets.
func (p *place) statefulSet(t *testing.T, command string) {
	t.Helper()
	sets := p.kubernetes.AppsV1().StatefulSets(p.namespace)
	if _, err := sets.Get(t.Context(), "db", metav1.GetOptions{}); err != nil {
		set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}, MinReadySeconds: 3, Template: p.template("db", command),
		}}
		_, err = sets.Create(t.Context(), set, metav1.CreateOptions{})
		require.NoError(t, err)
		return
	}
	set, err := sets.Patch(t.Context(), "db", types.MergePatchType, templatePatch(t, p.template("db", command)), metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, "the StatefulSet's controller knows the template", func(ctx context.Context) error {
		now, err := sets.Get(ctx, "db", metav1.GetOptions{})
		if err == nil && now.Status.ObservedGeneration < set.Generation {
			err = errors.New("it would make the pod of the old one")
		}
		return err
	})
	require.NoError(t, client.IgnoreNotFound(p.kubernetes.CoreV1().Pods(p.namespace).Delete(t.Context(), "db-0", metav1.DeleteOptions{})))
	eventually(t, "the StatefulSet is available", func(ctx context.Context) error {
		now, err := sets.Get(ctx, "db", metav1.GetOptions{})
		if err == nil && (now.Status.UpdatedReplicas != 1 || now.Status.AvailableReplicas != 1) {
			err = errors.New("it is not")
		}
		return err
	})
}

// templatePatch has no resourceVersion: controllers write to the status all the time.
func templatePatch(t *testing.T, template corev1.PodTemplateSpec) []byte {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
	require.NoError(t, err)
	return patch
}

func (p *place) daemonSet(t *testing.T, command string) {
	t.Helper()
	sets := p.kubernetes.AppsV1().DaemonSets(p.namespace)
	if _, err := sets.Get(t.Context(), "agent", metav1.GetOptions{}); err != nil {
		set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "agent"}, Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}, MinReadySeconds: 3, Template: p.template("agent", command),
		}}
		_, err = sets.Create(t.Context(), set, metav1.CreateOptions{})
		require.NoError(t, err)
		return
	}
	_, err := sets.Patch(t.Context(), "agent", types.MergePatchType, templatePatch(t, p.template("agent", command)), metav1.PatchOptions{})
	require.NoError(t, err)
	eventually(t, "the DaemonSet is available", func(ctx context.Context) error {
		now, err := sets.Get(ctx, "agent", metav1.GetOptions{})
		if err == nil && (now.Status.ObservedGeneration != now.Generation || now.Status.NumberUnavailable != 0 || now.Status.UpdatedNumberScheduled == 0) {
			err = errors.New("it is not")
		}
		return err
	})
}

// certificate has a condition, as cert-manager writes it.
func (p *place) certificate(t *testing.T, ready, reason string) {
	t.Helper()
	certificates := p.dynamic.Resource(schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}).Namespace(p.namespace)
	object, err := certificates.Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		object, err = certificates.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
			"metadata": map[string]any{"name": "web"}, "spec": map[string]any{"secretName": "web-tls"},
		}}, metav1.CreateOptions{})
	}
	require.NoError(t, err)
	object.Object["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "Ready", "status": ready, "reason": reason, "message": "", "lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
	}}}
	_, err = certificates.UpdateStatus(t.Context(), object, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// conforma runs a task that judges a component, in a run that is green in any case.
func (p *place) conforma(t *testing.T, result string) {
	t.Helper()
	run := &tektonv1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, GenerateName: "verify-", Labels: map[string]string{
			"appstudio.openshift.io/component": "frontend", "tekton.dev/task": "verify-conforma", "test.appstudio.openshift.io/scenario": "policy",
		}},
		Spec: tektonv1.TaskRunSpec{TaskSpec: &tektonv1.TaskSpec{
			Results: []tektonv1.TaskResult{{Name: "TEST_OUTPUT", Type: tektonv1.ResultsTypeString}},
			Steps: []tektonv1.Step{{Name: "verify", Image: p.image, Script: fmt.Sprintf(
				"#!/bin/sh\nprintf '{\"result\":\"%s\",\"failures\":3,\"warnings\":0}' >$(results.TEST_OUTPUT.path)\n", result)}},
		}},
	}
	require.NoError(t, p.tekton.Create(t.Context(), run))
	eventually(t, "the TaskRun ends", func(ctx context.Context) error {
		err := p.tekton.Get(ctx, client.ObjectKeyFromObject(run), run)
		if err == nil && !run.IsDone() {
			err = errors.New("it has not ended")
		}
		return err
	})
	require.True(t, run.IsSuccessful())
}

// notStarted is an event of Pipelines-as-Code about a change that it made no run of. Nothing
// ends its issue but time.
func (p *place) notStarted(t *testing.T) {
	t.Helper()
	_, err := p.kubernetes.CoreV1().Events(p.namespace).Create(t.Context(), &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: "web."},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1alpha1", Kind: "Repository", Namespace: p.namespace, Name: "web"},
		Source:         corev1.EventSource{Component: "Pipelines As Code"},
		Type:           corev1.EventTypeWarning, Reason: "PipelineRunValidationErrors", Message: "cannot read the PipelineRun: build",
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	issue := p.await(t, "spec.scope.kind=Repository,spec.scope.name=web", v1alpha1.StateActive)
	require.Contains(t, issue.Spec.Title, "no pipeline was started")
	require.Contains(t, issue.Spec.Description, "cannot read the PipelineRun")
}
