// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"cmp"
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"knative.dev/pkg/apis"
)

// startDeadline is when a run that is not over should have started. There is
// none while the run is held (spec.status PipelineRunPending, as Kueue does): its
// time counts from its admission, which Tekton marks with startTime.
func (c *Config) startDeadline(run *tektonv1.PipelineRun) (time.Time, bool) {
	if run.IsPending() {
		return time.Time{}, false
	}
	if run.Status.StartTime != nil {
		return run.Status.StartTime.Add(c.StartTimeout), true
	}
	if run.Status.GetCondition(apis.ConditionSucceeded) != nil {
		return time.Time{}, false
	}
	return run.CreationTimestamp.Add(c.StartTimeout), true
}

// hasStarted says whether any step ran. A child that is no TaskRun is taken to
// have started.
func hasStarted(run *tektonv1.PipelineRun, taskRuns []tektonv1.TaskRun) bool {
	for i := range run.Status.ChildReferences {
		if run.Status.ChildReferences[i].Kind != "TaskRun" {
			return true
		}
	}
	for i := range taskRuns {
		if taskRunStarted(&taskRuns[i]) {
			return true
		}
	}
	return false
}

func taskRunStarted(taskRun *tektonv1.TaskRun) bool {
	if taskRun.IsDone() {
		return true
	}
	for i := range taskRun.Status.Steps {
		if taskRun.Status.Steps[i].Running != nil || taskRun.Status.Steps[i].Terminated != nil {
			return true
		}
	}
	return false
}

// pendingReason is why a run does not start: its TaskRun's word for it, else the
// run's own.
func pendingReason(run *tektonv1.PipelineRun, taskRuns []tektonv1.TaskRun) (reason, message string) {
	for i := range taskRuns {
		if condition := taskRuns[i].Status.GetCondition(apis.ConditionSucceeded); condition != nil {
			return cmp.Or(condition.Reason, notStarted), condition.Message
		}
	}
	if condition := run.Status.GetCondition(apis.ConditionSucceeded); condition != nil {
		return cmp.Or(condition.Reason, notStarted), condition.Message
	}
	return notStarted, "Tekton has not taken the run up"
}

// notStarted is the reason where Tekton gives none.
const notStarted = "NotStarted"
