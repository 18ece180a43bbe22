// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// ends is the final condition of a run that did not succeed.
func ends(reason tektonv1.PipelineRunReason, message string) runOption {
	return condition(corev1.ConditionFalse, reason, message)
}

// taskFails is the condition of a task that did not succeed.
func taskFails(reason tektonv1.TaskRunReason, message string) taskOption {
	return taskReason(corev1.ConditionFalse, reason, message)
}

// endedByTekton is a step that Tekton ended for the task's reason, with an exit code of
// its own making.
func endedByTekton(name string, reason tektonv1.TaskRunReason) taskOption {
	return step(name, 1, reason.String(), reason.String())
}

// TestTektonsReasons goes from what Tekton writes to what the issue says. No title means
// no report.
func TestTektonsReasons(t *testing.T) {
	t.Parallel()
	const (
		quota    = `pods "web-build-1-compile-pod" is forbidden: exceeded quota: compute, requested: cpu=4, used: cpu=8, limited: cpu=8`
		refused  = `admission webhook "policy.example.com" denied the request: unsigned image`
		badImage = `the step "build" in TaskRun "web-build-1-compile" failed to pull the image "example.com/none:1". The pod errored with the message: "Back-off pulling image."`
	)
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		task   []taskOption
		title  string
		cause  string
		text   string
	}{
		"Failed": {
			reason: "a step's own exit code", run: failing(),
			task:  []taskOption{step("build", 3, "Error", "Error")},
			title: "Pipeline web-build failed: task compile, step build exited with code 3", cause: "StepFailed",
			text: "\nStep build exited with code 3",
		},
		"OOM": {
			reason: "the kernel ended the step", run: failing(),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonStepOOM, `"step-build" exited with code 137: OOMKilled`),
				step("build", 137, "OOMKilled", "Error"), step("push", 1, "Error", "Skipped"),
			},
			title: "Pipeline web-build failed: task compile, step build exited with code 137 (OOMKilled)", cause: "StepOOM",
		},
		"ImagePull": {
			reason: "no step ran, so none is named", run: failing(),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonImagePullFailed, badImage),
				endedByTekton("prepare", tektonv1.TaskRunReasonImagePullFailed), endedByTekton("build", tektonv1.TaskRunReasonImagePullFailed),
			},
			title: "Pipeline web-build failed: task compile, TaskRunImagePullFailed", cause: "TaskRunImagePullFailed",
			text: badImage,
		},
		"MissingConfigMap": {
			reason: "no step ran", run: failing(),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonCreateContainerConfigError, `configmap "none" not found`),
				endedByTekton("build", tektonv1.TaskRunReasonCreateContainerConfigError),
			},
			title: "Pipeline web-build failed: task compile, CreateContainerConfigError", cause: "CreateContainerConfigError",
		},
		"TaskRunTimeout": {
			reason: "the first step that did not end took too long", run: failing(),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonTimedOut, `TaskRun "web-build-1-compile" failed to finish within "1m0s"`),
				step("prepare", 0, "Completed", "Completed"),
				endedByTekton("build", tektonv1.TaskRunReasonTimedOut), endedByTekton("push", tektonv1.TaskRunReasonTimedOut),
			},
			title: "Pipeline web-build failed: task compile, step build did not finish (TaskRunTimeout)", cause: "TaskRunTimeout",
			text: `failed to finish within "1m0s"`,
		},
		"StepTimeout": {
			reason: "the step's own limit", run: failing(),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonStepFailed, `"step-build" exited because the step exceeded the specified timeout limit`),
				step("build", 1, "Error", stepTimeout),
			},
			title: "Pipeline web-build failed: task compile, step build exited with code 1 (TimeoutExceeded)", cause: "StepFailed",
		},
		"TaskInvalidParamValue": {
			reason: "Tekton refused the task's parameters", run: failing(),
			task:  []taskOption{taskFails(tektonv1.TaskRunReasonInvalidParamValue, `param "mode" has value "fast", which is not in the allowed enum list`)},
			title: "Pipeline web-build failed: task compile, InvalidParamValue", cause: "InvalidParamValue",
		},
		"PodRefused": {
			reason: "admission refused the pod", run: failing(),
			task:  []taskOption{taskFails(tektonv1.TaskRunReasonPodCreationFailed, refused)},
			title: "Pipeline web-build failed: task compile, PodCreationFailed", cause: "PodCreationFailed", text: refused,
		},
		"Evicted": {
			reason: "the node had no room left", run: failing(),
			task:  []taskOption{taskFails(tektonv1.TaskRunReasonPodEvicted, "The node was low on resource: memory")},
			title: "Pipeline web-build failed: task compile, PodEvicted", cause: "PodEvicted",
		},
		"PipelineRunTimeout": {
			reason: "the run's limit ended its task", run: failing(ends(tektonv1.PipelineRunReasonTimedOut, "")),
			task: []taskOption{
				taskFails(tektonv1.TaskRunReasonCancelled, ""), endedByTekton("build", tektonv1.TaskRunReasonCancelled),
			},
			title: "Pipeline web-build timed out: task compile did not finish", cause: "PipelineRunTimeout",
		},
		"PipelineRunTimeoutBeforeAll": {
			reason: "it waited for its pipeline until its limit", run: newRun(ends(tektonv1.PipelineRunReasonTimedOut, "")),
			title: "Pipeline web-build never ran: PipelineRunTimeout", cause: "PipelineRunTimeout",
		},
		"CouldntGetPipeline": {
			reason: "there is none", run: newRun(ends(tektonv1.PipelineRunReasonCouldntGetPipeline, `pipeline "web-build" not found`)),
			title: "Pipeline web-build never ran: CouldntGetPipeline", cause: "CouldntGetPipeline", text: `pipeline "web-build" not found`,
		},
		"CouldntGetTask": {
			reason: "there is none", run: newRun(ends(tektonv1.PipelineRunReasonCouldntGetTask, `task "compile" not found`)),
			title: "Pipeline web-build never ran: CouldntGetTask", cause: "CouldntGetTask", text: `task "compile" not found`,
		},
		"InvalidParamValue": {
			reason: "refused by validation", run: newRun(ends(tektonv1.PipelineRunReasonInvalidParamValue, "")),
			title: "Pipeline web-build never ran: InvalidParamValue", cause: "InvalidParamValue",
		},
		"Admission": {
			reason: "the first TaskRun was refused", run: newRun(started(), ends(tektonv1.PipelineRunReasonCreateRunFailed, refused)),
			title: "Pipeline web-build never ran: CreateRunFailed", cause: "CreateRunFailed", text: refused,
		},
		"AdmissionLater": {
			reason: "a later TaskRun was refused: the one that Tekton stopped did nothing wrong",
			run:    failing(ends(tektonv1.PipelineRunReasonCreateRunFailed, refused)),
			task:   []taskOption{taskReason(corev1.ConditionUnknown, tektonv1.TaskRunReasonRunning, "")},
			title:  "Pipeline web-build failed: CreateRunFailed", cause: "CreateRunFailed", text: refused,
		},
		"ResultTooLate": {
			reason: "a green task's result did not fit the next task",
			run:    failing(ends(tektonv1.PipelineRunReasonInvalidTaskResultReference, "")),
			task:   []taskOption{taskReason(corev1.ConditionTrue, tektonv1.TaskRunReasonSuccessful, "")},
			title:  "Pipeline web-build failed: InvalidTaskResultReference", cause: "InvalidTaskResultReference",
		},
		"SkippedByTimeout": {
			reason: "no task failed, but one ended late", run: failing(),
			task:  []taskOption{taskFails(tektonv1.TaskRunReasonCancelled, "")},
			title: "Pipeline web-build failed: task compile did not finish", cause: "TaskRunCancelled",
		},
		"QuotaOfTaskRuns": {
			reason: "a namespace may limit objects", run: newRun(started(), ends(tektonv1.PipelineRunReasonCreateRunFailed, quota)),
			title: "Pipeline web-build never ran: CreateRunFailed", cause: "CreateRunFailed", text: "exceeded quota: compute",
		},
		"Cancelled":               {reason: "somebody wanted it", run: failing(ends(tektonv1.PipelineRunReasonCancelled, ""))},
		"CancelledRunningFinally": {reason: "somebody wanted it", run: failing(ends(tektonv1.PipelineRunReasonCancelledRunningFinally, ""))},
		"StoppedRunningFinally":   {reason: "somebody wanted it", run: failing(ends(tektonv1.PipelineRunReasonStoppedRunningFinally, ""))},
		"CouldntCancel": {
			reason: "it goes on", run: newRun(started(), child("CustomRun"),
				condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonCouldntCancel, "")),
		},
		"TimeoutRunningFinally": {
			reason: "finally tasks go on", run: newRun(started(), child("CustomRun"),
				condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonTimedOutRunningFinally, "")),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ended, tc.run)
			if tc.task != nil {
				require.NoError(t, w.client.Create(t.Context(), newTask(tc.run, "compile", tc.task...)))
			}
			_, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			if tc.title == "" {
				require.Empty(t, w.recorder.Reports(), tc.reason)
				return
			}
			require.Len(t, w.recorder.Reports(), 1, tc.reason)
			spec := w.recorder.Reports()[0].Spec
			require.Equal(t, issuesv1alpha1.OutcomeFailed, spec.Outcome)
			require.Equal(t, tc.title, spec.Issue.Title, tc.reason)
			require.Equal(t, tc.cause, spec.Issue.Cause, tc.reason)
			require.Contains(t, spec.Issue.Description, tc.text, tc.reason)
		})
	}
}

// TestReasonsToWait: what a run that does not start waits for.
func TestReasonsToWait(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		waits   string
		message string
	}{
		"Quota":     {"the quota is used up", "ExceededResourceQuota", "TaskRun Pod exceeded available resources: exceeded quota: compute"},
		"Nodes":     {"no node has room", "ExceededNodeResources", "TaskRun Pod exceeded available resources"},
		"ImagePull": {"Tekton is told to wait for images", "PullImageFailed", `Back-off pulling image "example.com/none:1"`},
		"Pending":   {"a volume is not there", "Pending", "Waiting for subPath directory creation to complete"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := newRun(started(), child("TaskRun"), condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonRunning, ""))
			w := newWorld(t, created.Add(2*startTimeout), run, newTask(run, "compile",
				taskReason(corev1.ConditionUnknown, tektonv1.TaskRunReason(tc.waits), tc.message),
				func(task *tektonv1.TaskRun) { task.Status.CompletionTime = nil }))
			_, err := w.reconcile(t, run)
			require.NoError(t, err)
			require.Len(t, w.recorder.Reports(), 1, tc.reason)
			issue := w.recorder.Reports()[0].Spec.Issue
			require.Equal(t, "Pipeline web-build does not start: "+tc.waits, issue.Title)
			require.Equal(t, tc.waits, issue.Cause)
			require.Contains(t, issue.Description, tc.message)
		})
	}
}

// TestNoLogOfAStepThatTektonEnded: its pod is gone.
func TestNoLogOfAStepThatTektonEnded(t *testing.T) {
	t.Parallel()
	run := failing()
	w := newWorld(t, ended, run, newTask(run, "compile",
		taskFails(tektonv1.TaskRunReasonTimedOut, ""), endedByTekton("build", tektonv1.TaskRunReasonTimedOut), inPod("build-pod")))
	w.config.Logs = logs{run.Namespace + "/build-pod/step-build": "of another pod of that name"}
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Empty(t, w.recorder.Reports()[0].Spec.LogExcerpt)
}
