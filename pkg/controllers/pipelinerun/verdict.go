// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
)

// verdict is what a run's status says of it.
type verdict string

const (
	running   verdict = "Running"
	succeeded verdict = "Succeeded"
	failed    verdict = "Failed"
	timedOut  verdict = "TimedOut"
	// neverRan: the run is over and no task of it was started. Whatever reason
	// Tekton gives (a missing pipeline, invalid parameters, a refused TaskRun),
	// nothing was built or tested.
	neverRan verdict = "NeverRan"
	// cancelled by a person or by a newer run of the same change: no failure.
	cancelled verdict = "Cancelled"
	// stuck: the run is not over, but should have started long ago.
	stuck verdict = "Stuck"
)

// judge never answers stuck: that takes a clock and the run's TaskRuns.
func judge(run *tektonv1.PipelineRun) verdict {
	condition := run.Status.GetCondition(apis.ConditionSucceeded)
	switch {
	case condition == nil || condition.Status == corev1.ConditionUnknown:
		return running
	case condition.Status == corev1.ConditionTrue:
		return succeeded
	case isCancelled(condition.Reason):
		return cancelled
	case len(run.Status.ChildReferences) == 0:
		return neverRan
	case condition.Reason == tektonv1.PipelineRunReasonTimedOut.String():
		return timedOut
	default:
		return failed
	}
}

func isCancelled(reason string) bool {
	switch tektonv1.PipelineRunReason(reason) {
	case tektonv1.PipelineRunReasonCancelled,
		tektonv1.PipelineRunReasonCancelledRunningFinally,
		tektonv1.PipelineRunReasonStoppedRunningFinally:
		return true
	default:
		return false
	}
}

// completedAt is when a run ended. Tekton sets completionTime with the final
// condition; the condition's own time stands in where another program ended the
// run.
func completedAt(run *tektonv1.PipelineRun) time.Time {
	if run.Status.CompletionTime != nil {
		return run.Status.CompletionTime.Time
	}
	return run.Status.GetCondition(apis.ConditionSucceeded).LastTransitionTime.Inner.Time
}
