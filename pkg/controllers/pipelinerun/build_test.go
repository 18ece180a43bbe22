// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"kite.dev/kite/pkg/rule"
)

var (
	created = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ended   = created.Add(3 * time.Minute)
)

// startTimeout is the default.
const startTimeout = 10 * time.Minute

// testConfig has the rules that are shipped, and reads no logs.
func testConfig(t testing.TB) *Config {
	t.Helper()
	rules, err := rule.BuiltIn()
	require.NoError(t, err)
	return &Config{Rules: rules, MintMakerNamespace: "mintmaker", StartTimeout: startTimeout}
}

type runOption func(*tektonv1.PipelineRun)

// newRun is a run of the Pipeline web-build that Tekton has not seen yet.
func newRun(options ...runOption) *tektonv1.PipelineRun {
	run := &tektonv1.PipelineRun{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-gamma", Name: "web-build-1", UID: "run-1",
			CreationTimestamp: metav1.NewTime(created),
			Labels:            map[string]string{},
			Annotations:       map[string]string{},
		},
		Spec: tektonv1.PipelineRunSpec{PipelineRef: &tektonv1.PipelineRef{Name: "web-build"}},
	}
	for _, option := range options {
		option(run)
	}
	return run
}

func label(name, value string) runOption {
	return func(run *tektonv1.PipelineRun) { run.Labels[name] = value }
}

func annotation(name, value string) runOption {
	return func(run *tektonv1.PipelineRun) { run.Annotations[name] = value }
}

// embedded is a run with its pipeline inside.
func embedded(generateName string) runOption {
	return func(run *tektonv1.PipelineRun) {
		run.Spec.PipelineRef = nil
		run.Spec.PipelineSpec = &tektonv1.PipelineSpec{}
		run.GenerateName = generateName
	}
}

func started() runOption {
	return func(run *tektonv1.PipelineRun) {
		at := metav1.NewTime(created.Add(time.Second))
		run.Status.StartTime = &at
	}
}

func child(kind string) runOption {
	return func(run *tektonv1.PipelineRun) {
		run.Status.ChildReferences = append(run.Status.ChildReferences, tektonv1.ChildStatusReference{
			TypeMeta: runtime.TypeMeta{Kind: kind}, Name: run.Name + "-compile",
		})
	}
}

func condition(status corev1.ConditionStatus, reason tektonv1.PipelineRunReason, message string) runOption {
	return func(run *tektonv1.PipelineRun) {
		run.Status.SetCondition(&apis.Condition{
			Type: apis.ConditionSucceeded, Status: status, Reason: reason.String(), Message: message,
		})
		if status != corev1.ConditionUnknown {
			at := metav1.NewTime(ended)
			run.Status.CompletionTime = &at
		}
	}
}

func failing(options ...runOption) *tektonv1.PipelineRun {
	return newRun(append([]runOption{
		started(), child("TaskRun"),
		condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonFailed, "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0"),
	}, options...)...)
}

func green(options ...runOption) *tektonv1.PipelineRun {
	return newRun(append([]runOption{
		started(), child("TaskRun"), condition(corev1.ConditionTrue, tektonv1.PipelineRunReasonSuccessful, ""),
	}, options...)...)
}

type taskOption func(*tektonv1.TaskRun)

// newTask is a TaskRun of a run, over and failed unless an option says
// otherwise.
func newTask(run *tektonv1.PipelineRun, name string, options ...taskOption) *tektonv1.TaskRun {
	done := metav1.NewTime(ended)
	task := &tektonv1.TaskRun{ObjectMeta: metav1.ObjectMeta{
		Namespace: run.Namespace, Name: run.Name + "-" + name, UID: types.UID(run.Name + name),
		Labels: map[string]string{
			pipeline.PipelineRunLabelKey: run.Name, pipeline.PipelineTaskLabelKey: name,
		},
		OwnerReferences: []metav1.OwnerReference{
			*metav1.NewControllerRef(run, tektonv1.SchemeGroupVersion.WithKind("PipelineRun")),
		},
	}}
	task.Status.CompletionTime = &done
	taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonStepFailed, `"step-`+name+`" exited with code 3: Error`)(task)
	for _, option := range options {
		option(task)
	}
	return task
}

func taskReason(status corev1.ConditionStatus, reason tektonv1.TaskRunReason, message string) taskOption {
	return func(task *tektonv1.TaskRun) {
		task.Status.SetCondition(&apis.Condition{
			Type: apis.ConditionSucceeded, Status: status, Reason: reason.String(), Message: message,
		})
	}
}

func step(name string, exitCode int32, reason, terminationReason string) taskOption {
	return func(task *tektonv1.TaskRun) {
		task.Status.Steps = append(task.Status.Steps, tektonv1.StepState{
			Name: name, TerminationReason: terminationReason,
			ContainerState: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{ExitCode: exitCode, Reason: reason},
			},
		})
	}
}

func at(t time.Time) taskOption {
	return func(task *tektonv1.TaskRun) {
		done := metav1.NewTime(t)
		task.Status.CompletionTime = &done
	}
}
