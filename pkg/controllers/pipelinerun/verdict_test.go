// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		want   verdict
	}{
		"New":       {"Tekton has not seen it", newRun(), running},
		"Running":   {"it goes on", newRun(condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonRunning, "")), running},
		"Stopping":  {"other tasks go on", newRun(condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonStopping, "")), running},
		"Finally":   {"finally tasks go on", newRun(condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonCancelledRunningFinally, "")), running},
		"Succeeded": {"all tasks ran", green(), succeeded},
		"Completed": {"some tasks were skipped", newRun(condition(corev1.ConditionTrue, tektonv1.PipelineRunReasonCompleted, "")), succeeded},
		"Failed":    {"a task failed", failing(), failed},
		"TimedOut":  {"it took too long", failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonTimedOut, "")), timedOut},
		"Queued":    {"it timed out before anything ran", newRun(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonTimedOut, "")), neverRan},
		"Invalid later": {
			"a result of an earlier task did not fit",
			failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonFailedValidation, "")), failed,
		},
		"Unknown": {"a reason of a Tekton to come", failing(condition(corev1.ConditionFalse, "SomethingNew", "")), failed},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, judge(tc.run), tc.reason)
		})
	}
}

func TestJudgeCancelled(t *testing.T) {
	t.Parallel()
	for _, reason := range []tektonv1.PipelineRunReason{
		tektonv1.PipelineRunReasonCancelled,
		tektonv1.PipelineRunReasonCancelledRunningFinally,
		tektonv1.PipelineRunReasonStoppedRunningFinally,
	} {
		require.Equal(t, cancelled, judge(failing(condition(corev1.ConditionFalse, reason, ""))), reason)
		require.Equal(t, cancelled, judge(newRun(condition(corev1.ConditionFalse, reason, ""))),
			"%s: cancelled before it ran", reason)
	}
}

func TestJudgeNeverRan(t *testing.T) {
	t.Parallel()
	for _, reason := range []tektonv1.PipelineRunReason{
		tektonv1.PipelineRunReasonCouldntGetPipeline,
		tektonv1.PipelineRunReasonInvalidBindings,
		tektonv1.PipelineRunReasonInvalidWorkspaceBinding,
		tektonv1.PipelineRunReasonInvalidTaskRunSpec,
		tektonv1.PipelineRunReasonParameterTypeMismatch,
		tektonv1.PipelineRunReasonObjectParameterMissKeys,
		tektonv1.PipelineRunReasonParamArrayIndexingInvalid,
		tektonv1.PipelineRunReasonCouldntGetTask,
		tektonv1.PipelineRunReasonParameterMissing,
		tektonv1.PipelineRunReasonFailedValidation,
		tektonv1.PipelineRunReasonInvalidGraph,
		tektonv1.PipelineRunReasonInvalidMatrixParameterTypes,
		tektonv1.PipelineRunReasonInvalidTaskResultReference,
		tektonv1.PipelineRunReasonInvalidPipelineResultReference,
		tektonv1.PipelineRunReasonRequiredWorkspaceMarkedOptional,
		tektonv1.PipelineRunReasonResourceVerificationFailed,
		tektonv1.PipelineRunReasonCreateRunFailed,
		tektonv1.PipelineRunReasonCELEvaluationFailed,
		tektonv1.PipelineRunReasonInvalidParamValue,
	} {
		require.Equal(t, neverRan, judge(newRun(condition(corev1.ConditionFalse, reason, ""))), reason)
	}
}

func TestOtherProducer(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		want   string
	}{
		"Build":   {"a component's build", failing(label(labelRunType, "build")), ""},
		"Service": {"the release service's own mark", failing(label(labelService, "release")), "Release"},
		"Named":   {"it is about a Release", failing(label(labelRelease, "shop-1")), "Release"},
		"Managed": {"in the managed namespace", failing(label(labelRunType, "managed")), "Release"},
		"Tenant":  {"in the tenant's", failing(label(labelRunType, "tenant-collectors")), "Release"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, otherProducer(tc.run), tc.reason)
		})
	}
}
