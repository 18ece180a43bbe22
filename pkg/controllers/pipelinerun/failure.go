// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"cmp"
	"slices"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
)

// failedTask is a task that did not succeed.
type failedTask struct {
	name    string
	taskRun string
	pod     string
	reason  string
	message string
	ended   time.Time
	step    *failedStep
	// stopped says that the task did not fail by itself.
	stopped bool
}

// failedStep is the first step of a task that ended with an exit code.
type failedStep struct {
	name      string
	container string
	exitCode  int32
	reason    string
	// interrupted says that the step ran until Tekton ended it, so that its exit code
	// says nothing and its pod is gone.
	interrupted bool
}

// failedTasks lists the tasks of a run that is over which failed, the first to
// fail first. Stopped ones are the consequence of a failure where there is one,
// and are listed only where there is none: then the pipeline's timeout ended them.
func failedTasks(taskRuns []tektonv1.TaskRun) []failedTask {
	var failures, stopped []failedTask
	for i := range taskRuns {
		task, ok := failureOf(&taskRuns[i])
		switch {
		case !ok:
		case task.stopped:
			stopped = append(stopped, task)
		default:
			failures = append(failures, task)
		}
	}
	if len(failures) == 0 {
		failures = stopped
	}
	slices.SortFunc(failures, func(a, b failedTask) int {
		return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.name, b.name), cmp.Compare(a.taskRun, b.taskRun))
	})
	return failures
}

func failureOf(taskRun *tektonv1.TaskRun) (failedTask, bool) {
	task := failedTask{
		name:    cmp.Or(taskRun.Labels[pipeline.PipelineTaskLabelKey], taskRun.Name),
		taskRun: taskRun.Name,
		pod:     taskRun.Status.PodName,
	}
	condition := taskRun.Status.GetCondition(apis.ConditionSucceeded)
	if isStopped(condition) {
		task.stopped, task.reason = true, tektonv1.TaskRunReasonCancelled.String()
		return task, true
	}
	if condition.Status != corev1.ConditionFalse || condition.Reason == tektonv1.TaskRunReasonFailureIgnored.String() {
		return failedTask{}, false
	}
	task.reason, task.message = condition.Reason, condition.Message
	task.step = firstFailedStep(taskRun.Status.Steps, condition.Reason)
	if taskRun.Status.CompletionTime != nil {
		task.ended = taskRun.Status.CompletionTime.Time
	}
	return task, true
}

// isStopped covers a task that Tekton is about to cancel: it says that a run
// timed out before it says so of the run's tasks.
func isStopped(condition *apis.Condition) bool {
	return condition == nil || condition.Status == corev1.ConditionUnknown ||
		condition.Reason == tektonv1.TaskRunReasonCancelled.String()
}

func firstFailedStep(steps []tektonv1.StepState, reason string) *failedStep {
	for i := range steps {
		ended := steps[i].Terminated
		if ended == nil || ended.ExitCode == 0 || isConsequence(steps[i].TerminationReason) {
			continue
		}
		step := &failedStep{
			name: steps[i].Name, container: steps[i].Container, exitCode: ended.ExitCode, reason: ended.Reason,
		}
		switch steps[i].TerminationReason {
		case stepTimeout:
			step.reason = stepTimeout
		case reason:
			// Tekton writes the task's reason and a code of its own to every step that it
			// ends. Only after a timeout is the first of them the one that took too long.
			if reason != tektonv1.TaskRunReasonTimedOut.String() {
				return nil
			}
			step.interrupted = true
		}
		return step
	}
	return nil
}

// stepTimeout is what Tekton's entrypoint writes when a step exceeds its own timeout.
const stepTimeout = "TimeoutExceeded"

// isConsequence tells steps that Tekton ended, or let fail as the task wished,
// by the reasons that its entrypoint writes.
func isConsequence(terminationReason string) bool {
	switch terminationReason {
	case "Skipped", "Continued", "Cancelled":
		return true
	default:
		return false
	}
}
