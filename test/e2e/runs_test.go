// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// brokenRun is a run that fails in its own way, and what its issue must say.
type brokenRun struct {
	// namespace is one of its own where what breaks the run would break others.
	namespace   string
	breaks      func(*tektonv1.PipelineRun)
	script      string
	title       string
	description string
	cause       string
	excerpt     string
	// late runs are reported when they should have started.
	late bool
}

func steps(change func(*tektonv1.TaskSpec)) func(*tektonv1.PipelineRun) {
	return func(run *tektonv1.PipelineRun) { change(&run.Spec.PipelineSpec.Tasks[0].TaskSpec.TaskSpec) }
}

func brokenRuns(refused, full string) map[string]brokenRun {
	none := func(*tektonv1.PipelineRun) {}
	soon := &metav1.Duration{Duration: 20 * time.Second} // but not before Tekton has made the TaskRun
	return map[string]brokenRun{
		"exit": {
			breaks: none, script: "echo token=hunter2hunter2\necho no such file >&2\nexit 3\n",
			title: "failed: task build, step run exited with code 3", cause: "StepFailed", description: "Step run exited with code 3", excerpt: "no such file",
		},
		"image": {
			breaks: steps(func(task *tektonv1.TaskSpec) { task.Steps[0].Image = "127.0.0.1:1/absent:1" }),
			title:  "TaskRunImagePullFailed", cause: "TaskRunImagePullFailed",
		},
		"memory": {
			breaks: steps(func(task *tektonv1.TaskSpec) {
				task.Steps[0].ComputeResources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("24Mi")}
			}),
			script: "tail /dev/zero\n", title: "exited with code 137 (OOMKilled)", cause: "StepOOM", description: "exited with code 137",
		},
		"timeout": {
			breaks: func(run *tektonv1.PipelineRun) { run.Spec.Timeouts = &tektonv1.TimeoutFields{Pipeline: soon} },
			script: "sleep 300\n", title: "timed out", cause: "PipelineRunTimeout",
		},
		"task-timeout": {
			breaks: func(run *tektonv1.PipelineRun) { run.Spec.PipelineSpec.Tasks[0].Timeout = soon },
			script: "sleep 300\n", title: "TaskRunTimeout", cause: "TaskRunTimeout",
		},
		"no-task": {
			breaks: func(run *tektonv1.PipelineRun) {
				run.Spec.PipelineSpec.Tasks[0].TaskSpec = nil
				run.Spec.PipelineSpec.Tasks[0].TaskRef = &tektonv1.TaskRef{Name: "absent"}
			},
			title: "CouldntGetTask", cause: "CouldntGetTask", description: `"absent"`,
		},
		"no-pipeline": {
			breaks: func(run *tektonv1.PipelineRun) {
				run.Spec.PipelineSpec, run.Spec.PipelineRef = nil, &tektonv1.PipelineRef{Name: "no-pipeline"}
			},
			title: "CouldntGetPipeline", cause: "CouldntGetPipeline", description: `"no-pipeline"`,
		},
		"parameter": {
			breaks: func(run *tektonv1.PipelineRun) {
				run.Spec.PipelineSpec.Params = tektonv1.ParamSpecs{{Name: "revision", Type: tektonv1.ParamTypeString}}
			},
			title: "ParameterMissing", cause: "ParameterMissing", description: "revision",
		},
		"refused": {namespace: refused, breaks: none, title: "task build, PodCreationFailed", cause: "PodCreationFailed", description: "no pods on Sundays"},
		"quota":   {namespace: full, breaks: none, title: "does not start: ExceededResourceQuota", cause: "ExceededResourceQuota", late: true},
		"pending": {
			breaks: func(run *tektonv1.PipelineRun) {
				run.Spec.TaskRunTemplate.PodTemplate = &pod.PodTemplate{NodeSelector: map[string]string{"absent": "absent"}}
			},
			title: "does not start: Pending", cause: "Pending", description: "node", late: true,
		},
	}
}

// TestRuns: runs that break in all the ways in which Tekton, the kubelet and admission break
// them are told apart, and a green run of the same pipeline resolves each.
//
//nolint:paralleltest // there is one cluster
func TestRuns(t *testing.T) {
	c := newCluster(t)
	namespace := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	refused := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-refused-"})
	full := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-full-"})
	allow := c.refusePods(t, refused)
	c.limitPods(t, full, "0")
	issues := c.clusterAccount(t, namespace, "viewer", "kite-issues-view")
	all := brokenRuns(refused, full)

	for name, broken := range all {
		if broken.namespace == "" {
			broken.namespace = namespace
			all[name] = broken
		}
	}
	c.startBroken(t, all, false)
	cancelled := c.namedRun(namespace, "cancelled", "sleep 300\n")
	c.start(t, cancelled)
	c.cancel(t, cancelled)

	requireTold(t, issues, all, false)
	c.configure(t, "pipelineRun: {startTimeout: 5s}") // of which nothing that is to start may hear
	c.startBroken(t, all, true)
	requireTold(t, issues, all, true)

	allow()
	c.limitPods(t, full, "10")
	for name, broken := range all {
		c.recover(t, broken.namespace, name)
	}
	for name, broken := range all {
		awaitState(t, issues, broken.namespace, name, v1alpha1.StateResolved)
	}
	list, err := issues.Issues(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "spec.scope.name=cancelled"})
	require.NoError(t, err)
	require.Empty(t, list.Items, "what somebody cancelled has not failed")
	c.writeConfiguration(t, "")
	c.restart(t, "kite-controllers")
}

func (c *cluster) startBroken(t *testing.T, all map[string]brokenRun, late bool) {
	t.Helper()
	for name, broken := range all {
		if broken.late == late {
			run := c.namedRun(broken.namespace, name, broken.script)
			broken.breaks(run)
			c.start(t, run)
		}
	}
}

// requireTold looks at one issue after the other: all must be there before they recover.
func requireTold(t *testing.T, issues issuesclient.IssuesV1alpha1Interface, all map[string]brokenRun, late bool) {
	t.Helper()
	for name, broken := range all {
		if broken.late != late {
			continue
		}
		t.Run(name, func(t *testing.T) {
			issue := awaitState(t, issues, broken.namespace, name, v1alpha1.StateActive)
			t.Log(issue.Spec.Title)
			require.Contains(t, issue.Spec.Title, broken.title)
			require.Contains(t, issue.Spec.Description, broken.description)
			require.Contains(t, issue.Status.LogExcerpt, broken.excerpt)
			require.NotContains(t, issue.Status.LogExcerpt, "hunter2")
			require.Equal(t, broken.cause, issue.Spec.Cause)
		})
	}
}

// cancel is a patch, since Tekton is writing to the run.
func (c *cluster) cancel(t *testing.T, run *tektonv1.PipelineRun) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"status":%q}}`, tektonv1.PipelineRunSpecStatusCancelled)
	require.NoError(t, c.tekton.Patch(context.WithoutCancel(t.Context()), run, client.RawPatch(types.MergePatchType, []byte(patch))))
}

// namedRun is a run whose scope is the Pipeline of that name.
func (c *cluster) namedRun(namespace, name, script string) *tektonv1.PipelineRun {
	run := c.newRun(namespace, "run", script)
	run.GenerateName = name + "-"
	return run
}

func (c *cluster) recover(t *testing.T, namespace, name string) {
	t.Helper()
	run := c.namedRun(namespace, name, "echo fine\n")
	if name == "no-pipeline" {
		pipeline := &tektonv1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: *run.Spec.PipelineSpec}
		require.NoError(t, c.tekton.Create(t.Context(), pipeline))
		run.Spec.PipelineSpec, run.Spec.PipelineRef = nil, &tektonv1.PipelineRef{Name: name}
	}
	c.start(t, run)
}

// awaitState waits for the one issue of a Pipeline.
func awaitState(t *testing.T, issues issuesclient.IssuesV1alpha1Interface, namespace, pipeline string, state v1alpha1.IssueState) *v1alpha1.Issue {
	t.Helper()
	var found *v1alpha1.Issue
	eventually(t, fmt.Sprintf("the issue of %s is %s", pipeline, state), func(ctx context.Context) error {
		list, err := issues.Issues(namespace).List(ctx, metav1.ListOptions{FieldSelector: "spec.scope.name=" + pipeline})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 || list.Items[0].Status.State != state {
			return fmt.Errorf("there are %d issues, want one", len(list.Items))
		}
		found = &list.Items[0]
		return nil
	})
	return found
}

// refusePods lets admission refuse a namespace's pods until the function is called.
func (c *cluster) refusePods(t *testing.T, namespace string) func() {
	t.Helper()
	name := "kite-test-" + namespace
	policies, bindings := c.kubernetes.AdmissionregistrationV1().ValidatingAdmissionPolicies(), c.kubernetes.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create},
		Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
	_, err := policies.Create(t.Context(), &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}},
			Validations:      []admissionv1.Validation{{Expression: "false", Message: "no pods on Sundays"}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = bindings.Create(t.Context(), &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
			MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{corev1.LabelMetadataName: namespace},
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	allow := func() {
		ctx := context.WithoutCancel(t.Context())
		_ = bindings.Delete(ctx, name, metav1.DeleteOptions{})
		_ = policies.Delete(ctx, name, metav1.DeleteOptions{})
	}
	t.Cleanup(allow)
	probe := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: c.image}}}}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	refuses := func(ctx context.Context) bool {
		_, err := c.kubernetes.CoreV1().Pods(namespace).Create(ctx, probe, dry)
		return err != nil && strings.Contains(err.Error(), "no pods on Sundays")
	}
	eventually(t, "the policy is in force", func(ctx context.Context) error {
		if !refuses(ctx) {
			return errors.New("pods are let in")
		}
		return nil
	})
	return func() {
		allow()
		eventually(t, "the policy is gone", func(ctx context.Context) error {
			if refuses(ctx) {
				return errors.New("pods are refused")
			}
			return nil
		})
	}
}

// limitPods sets how many pods a namespace may have.
func (c *cluster) limitPods(t *testing.T, namespace, pods string) {
	t.Helper()
	quotas := c.kubernetes.CoreV1().ResourceQuotas(namespace)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "pods"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse(pods)},
	}}
	_, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{})
	if err != nil {
		_, err = quotas.Update(t.Context(), quota, metav1.UpdateOptions{})
	}
	require.NoError(t, err)
	eventually(t, "the quota is in force", func(ctx context.Context) error {
		now, err := quotas.Get(ctx, "pods", metav1.GetOptions{})
		if err == nil && now.Status.Hard.Pods().String() != pods {
			err = errors.New("it is not counted yet")
		}
		return err
	})
}

// writeConfiguration is of kite-controllers. Pods that run see it within a minute or so.
func (c *cluster) writeConfiguration(t *testing.T, text string) {
	t.Helper()
	maps := c.kubernetes.CoreV1().ConfigMaps(system)
	config, err := maps.Get(t.Context(), "kite-controllers", metav1.GetOptions{})
	require.NoError(t, err)
	// The comment makes it a change, whatever a test before has left in the pods.
	config.Data["config.yaml"] = fmt.Sprintf("# %s\napiVersion: config.kite.dev/v1alpha1\nkind: ControllersConfiguration\n%s\n", time.Now(), text)
	_, err = maps.Update(t.Context(), config, metav1.UpdateOptions{})
	require.NoError(t, err)
}

// configure changes the configuration of kite-controllers, and waits until every replica has
// taken it over without a restart.
func (c *cluster) configure(t *testing.T, text string) {
	t.Helper()
	since := metav1.Now()
	c.writeConfiguration(t, text)
	eventually(t, "kite-controllers uses its changed configuration", func(ctx context.Context) error {
		pods, err := c.kubernetes.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=kite-controllers"})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			log, err := c.logOf(ctx, &pods.Items[i], since)
			if err != nil || !strings.Contains(log, "The changed configuration is used") {
				return errors.Join(err, fmt.Errorf("pod %s does not say so", pods.Items[i].Name))
			}
		}
		return nil
	})
}

func (c *cluster) logOf(ctx context.Context, of *corev1.Pod, since metav1.Time) (string, error) {
	stream, err := c.kubernetes.CoreV1().Pods(of.Namespace).GetLogs(of.Name, &corev1.PodLogOptions{SinceTime: &since}).Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	log, err := io.ReadAll(stream)
	return string(log), err
}

// TestManyRuns: 500 runs end at once; each is counted, none twice, and kite-controllers stays
// small.
//
//nolint:paralleltest // there is one cluster
func TestManyRuns(t *testing.T) {
	const runs, pipelines = 500, 50
	c := newCluster(t)
	namespace := c.namespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	issues := c.account(t, namespace, "viewer", "view")
	begin := time.Now()
	for i := range runs {
		run := &tektonv1.PipelineRun{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "many-"},
			Spec:       tektonv1.PipelineRunSpec{PipelineRef: &tektonv1.PipelineRef{Name: fmt.Sprint("absent-", i%pipelines)}},
		}
		require.NoError(t, c.tekton.Create(t.Context(), run))
	}
	t.Cleanup(func() {
		_ = c.tekton.DeleteAllOf(context.WithoutCancel(t.Context()), &tektonv1.PipelineRun{}, client.InNamespace(namespace))
	})
	t.Logf("%d runs are created after %s", runs, time.Since(begin).Round(time.Second))

	occurrences := func(ctx context.Context) (count, total int, err error) {
		list, err := issues.Issues(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return 0, 0, err
		}
		for i := range list.Items {
			total += int(list.Items[i].Status.Occurrences)
		}
		return len(list.Items), total, nil
	}
	for total := 0; total < runs; { // Tekton takes its time, as long as it goes on
		eventually(t, "more runs are counted", func(ctx context.Context) error {
			_, now, err := occurrences(ctx)
			if err == nil && now <= total {
				err = fmt.Errorf("there are %d occurrences", now)
			}
			total = max(total, now)
			return err
		})
	}
	t.Logf("all are reported after %s", time.Since(begin).Round(time.Second))
	count, total, err := occurrences(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{pipelines, runs}, []int{count, total})
	used := c.memoryOf(t, "kite-controllers")
	t.Logf("kite-controllers uses %s", used)
	require.Negative(t, used.Cmp(resource.MustParse("100Mi")), "%s", used)
}

// memoryOf is the most that a container of this name uses, as kubelets count it.
func (c *cluster) memoryOf(t *testing.T, container string) *resource.Quantity {
	t.Helper()
	nodes, err := c.kubernetes.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	most := resource.NewQuantity(0, resource.BinarySI)
	for i := range nodes.Items {
		raw, err := c.kubernetes.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes", nodes.Items[i].Name, "proxy/stats/summary").DoRaw(t.Context())
		require.NoError(t, err)
		var summary struct {
			Pods []struct {
				Containers []struct {
					Name   string
					Memory struct{ WorkingSetBytes int64 }
				}
			}
		}
		require.NoError(t, json.Unmarshal(raw, &summary))
		for _, of := range summary.Pods {
			for _, running := range of.Containers {
				if running.Name == container {
					most.Set(max(most.Value(), running.Memory.WorkingSetBytes))
				}
			}
		}
	}
	require.Positive(t, most.Value(), "no kubelet knows a container %s", container)
	return most
}
