// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report/reporttest"
)

// world is a cluster with a controller.
type world struct {
	*Reconciler
	config   *Config
	client   client.WithWatch
	recorder *reporttest.Recorder
	lists    atomic.Int64
}

func newWorld(t *testing.T, now time.Time, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, tektonv1.AddToScheme(scheme))
	w := &world{config: testConfig(t), recorder: &reporttest.Recorder{}}
	w.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithInterceptorFuncs(interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				w.lists.Add(1)
				return c.List(ctx, list, opts...)
			},
		}).Build()
	w.Reconciler = New(w.client, w.client, w.recorder, func() *Config { return w.config }, clocktesting.NewFakePassiveClock(now))
	return w
}

func (w *world) reconcile(t *testing.T, run *tektonv1.PipelineRun) (ctrl.Result, error) {
	t.Helper()
	return w.Reconcile(t.Context(), ctrl.Request{NamespacedName: run.GetNamespacedName()})
}

func TestReportsTheEnd(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		run     *tektonv1.PipelineRun
		outcome issuesv1alpha1.Outcome
		lists   int64
	}{
		"Failed":    {"with the TaskRuns", failing(), issuesv1alpha1.OutcomeFailed, 1},
		"Succeeded": {"nobody needs the TaskRuns", green(), issuesv1alpha1.OutcomeSucceeded, 0},
		"NeverRan": {
			"there are no TaskRuns",
			newRun(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonCouldntGetTask, "")), issuesv1alpha1.OutcomeFailed, 0,
		},
		"Cancelled": {"not a failure", failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonCancelled, "")), "", 0},
		"Release":   {"another producer's", failing(label(labelService, "release")), "", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ended, tc.run)
			_, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			require.Equal(t, tc.lists, w.lists.Load(), tc.reason)
			if tc.outcome == "" {
				require.Empty(t, w.recorder.Reports(), tc.reason)
				return
			}
			require.Len(t, w.recorder.Reports(), 1)
			require.Equal(t, tc.outcome, w.recorder.Reports()[0].Spec.Outcome)
			require.Equal(t, "team-gamma", w.recorder.Reports()[0].Namespace)
		})
	}
}

func TestNamesTheRunsOwnTasks(t *testing.T) {
	t.Parallel()
	run, earlier := failing(), failing()
	earlier.UID = "deleted"
	left := newTask(earlier, "left", step("x", 9, "Error", ""))
	w := newWorld(t, ended, run, left, newTask(run, "compile", step("compile", 3, "Error", "")))
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Equal(t, "Pipeline web-build failed: task compile, step compile exited with code 3",
		w.recorder.Reports()[0].Spec.Issue.Title)
}

func TestNamesTheScopesUID(t *testing.T) {
	t.Parallel()
	component := &unstructured.Unstructured{}
	component.SetGroupVersionKind(schema.GroupVersionKind{Group: componentGroup, Version: "v1alpha1", Kind: kindComponent})
	component.SetNamespace("team-gamma")
	component.SetName("frontend")
	component.SetUID("uid-component")
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		get    error
		want   types.UID
	}{
		"Pipeline":   {"it lasts", failing(), nil, "uid-pipeline"},
		"Component":  {"it lasts", failing(label(labelComponent, "frontend")), nil, "uid-component"},
		"Missing":    {"there is no such component", failing(label(labelComponent, "other")), nil, ""},
		"Unreadable": {"the report counts more", failing(), errors.New("forbidden"), ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pipeline := &tektonv1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: "web-build", UID: "uid-pipeline"}}
			w := newWorld(t, ended, tc.run, pipeline, component.DeepCopy())
			if tc.get != nil {
				w.live = interceptor.NewClient(w.client, interceptor.Funcs{Get: func(
					context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption,
				) error {
					return tc.get
				}})
			}
			_, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			require.Len(t, w.recorder.Reports(), 1)
			require.Equal(t, tc.want, w.recorder.Reports()[0].Spec.Issue.Scope.UID, tc.reason)
		})
	}
}

func TestReportsOnce(t *testing.T) {
	t.Parallel()
	run := failing()
	w := newWorld(t, ended, run)
	for range 3 {
		_, err := w.reconcile(t, run)
		require.NoError(t, err)
	}
	require.Len(t, w.recorder.Reports(), 1, "later updates of a run that is over cost nothing")

	require.NoError(t, w.client.Delete(t.Context(), run))
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Empty(t, w.memory.runs, "a deleted run is forgotten")
}

// Runs that ended before Kite was installed are read in any order.
func TestRepeatsTheRecoveryAfterALateFailure(t *testing.T) {
	t.Parallel()
	named := func(name string, after time.Duration) runOption {
		return func(run *tektonv1.PipelineRun) {
			run.Name, run.UID = name, types.UID(name)
			run.Status.CompletionTime = &metav1.Time{Time: ended.Add(after)}
		}
	}
	red := failing(named("red", 0))
	cases := map[string]struct {
		reason string
		other  *tektonv1.PipelineRun
		result issuesv1alpha1.ReportResult
		want   []issuesv1alpha1.Outcome
	}{
		"Later":     {"it was reported before there was an issue", green(named("later", time.Minute)), issuesv1alpha1.ResultCreated, []issuesv1alpha1.Outcome{"Failed", "Succeeded"}},
		"Earlier":   {"it recovers nothing", green(named("earlier", -time.Minute)), issuesv1alpha1.ResultCreated, []issuesv1alpha1.Outcome{"Failed"}},
		"Elsewhere": {"another problem", green(named("elsewhere", time.Minute), label(labelComponent, "shop")), issuesv1alpha1.ResultCreated, []issuesv1alpha1.Outcome{"Failed"}},
		"Known":     {"the server has seen it", green(named("known", time.Minute)), issuesv1alpha1.ResultUpdated, []issuesv1alpha1.Outcome{"Failed"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ended.Add(time.Hour), red.DeepCopy(), tc.other)
			w.recorder.Status = issuesv1alpha1.IssueReportStatus{Result: tc.result}
			_, err := w.reconcile(t, red)
			require.NoError(t, err)
			var got []issuesv1alpha1.Outcome
			for _, report := range w.recorder.Reports() {
				got = append(got, report.Spec.Outcome)
			}
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
}

// A restart sends the same observation again, which the server then knows.
func TestRestartRepeatsTheSameReport(t *testing.T) {
	t.Parallel()
	run := failing()
	first, second := newWorld(t, ended, run.DeepCopy()), newWorld(t, ended.Add(time.Hour), run.DeepCopy())
	for _, w := range []*world{first, second} {
		_, err := w.reconcile(t, run)
		require.NoError(t, err)
	}
	require.Equal(t, first.recorder.Reports(), second.recorder.Reports())
}

// A restart looks at every run that was kept: the issue of an old one may have been resolved
// and removed, and its green run may have been pruned.
func TestOldFailuresAreHistory(t *testing.T) {
	t.Parallel()
	pullRequest := label(pacPrefix+pacEventType, "pull_request")
	deadline := created.Add(startTimeout)
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		now    time.Time
		want   int
	}{
		"Failed":       {"the server remembers", failing(), ended.Add(unseenLimit), 1},
		"FailedOld":    {"nobody remembers", failing(), ended.Add(unseenLimit + time.Second), 0},
		"NeverRanOld":  {"it failed", newRun(ends(tektonv1.PipelineRunReasonCouldntGetTask, "")), ended.Add(unseenLimit + time.Second), 0},
		"ProposedOld":  {"it would expire at once", failing(pullRequest), ended.Add(unseenLimit + time.Second), 0},
		"SucceededOld": {"an issue may have been Active all the time", green(), ended.Add(unseenLimit + time.Second), 1},
		"Stuck":        {"the server remembers", newRun(), deadline.Add(unseenLimit), 1},
		"StuckOld":     {"nobody remembers", newRun(), deadline.Add(unseenLimit + time.Second), 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.now, tc.run)
			_, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			require.Len(t, w.recorder.Reports(), tc.want, tc.reason)
			if tc.want == 0 {
				require.Zero(t, w.lists.Load(), "history costs no request")
			}
		})
	}
}

func TestStuck(t *testing.T) {
	t.Parallel()
	waiting := taskReason(corev1.ConditionUnknown, tektonv1.TaskRunReasonPending, "0/3 nodes are available")
	notDone := func(task *tektonv1.TaskRun) { task.Status.CompletionTime = nil }
	isRunning := func(task *tektonv1.TaskRun) {
		task.Status.Steps = []tektonv1.StepState{{ContainerState: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	}
	going := condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonRunning, "")
	held := condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonPending, "")
	late := created.Add(startTimeout + time.Minute)
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		task   []taskOption
		now    time.Time
		after  time.Duration
		title  string
	}{
		"Early":    {reason: "it may still start", run: newRun(), now: created.Add(time.Minute), after: 9 * time.Minute},
		"Untaken":  {reason: "Tekton is not there", run: newRun(), now: late, title: "Pipeline web-build does not start: NotStarted"},
		"Held":     {reason: "Kueue holds it", run: newRun(func(r *tektonv1.PipelineRun) { r.Spec.Status = tektonv1.PipelineRunSpecStatusPending }), now: late},
		"Admitted": {reason: "Tekton has not noticed the admission yet", run: newRun(held), now: late},
		"Pending": {
			reason: "no node has room", run: newRun(started(), going, child("TaskRun")), now: late,
			task: []taskOption{waiting, notDone}, title: "Pipeline web-build does not start: TaskRunPending",
		},
		"Going": {
			reason: "a step runs", run: newRun(started(), going, child("TaskRun")), now: late,
			task: []taskOption{waiting, notDone, isRunning},
		},
		"Custom": {reason: "nobody knows of a custom task", run: newRun(started(), going, child("CustomRun")), now: late},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.now, tc.run)
			if tc.task != nil {
				require.NoError(t, w.client.Create(t.Context(), newTask(tc.run, "compile", tc.task...)))
			}
			result, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			require.Equal(t, tc.after, result.RequeueAfter, tc.reason)
			if tc.title == "" {
				require.Empty(t, w.recorder.Reports(), tc.reason)
				return
			}
			require.Len(t, w.recorder.Reports(), 1, tc.reason)
			spec := w.recorder.Reports()[0].Spec
			require.Equal(t, tc.title, spec.Issue.Title)
			require.Empty(t, spec.Run.UID, "its later failure is to count")
			require.True(t, spec.ObservedAt.Before(&metav1.MicroTime{Time: tc.now}), "always the same time")
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	reports := schema.GroupResource{Group: issuesv1alpha1.GroupName, Resource: "issuereports"}
	terminating := apierrors.NewForbidden(reports, "", errors.New("namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	ahead := apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("spec", "observedAt"), "", "too far ahead")})
	cases := map[string]struct {
		reason   string
		err      error
		after    time.Duration
		terminal bool
		retry    bool
	}{
		"Invalid":     {reason: "it will be refused again", err: apierrors.NewInvalid(schema.GroupKind{}, "", nil), terminal: true},
		"Ahead":       {reason: "its time comes", err: fmt.Errorf("report: %w", ahead), retry: true},
		"Forbidden":   {reason: "somebody may grant it", err: apierrors.NewForbidden(reports, "", errors.New("no")), after: forbiddenPause},
		"Terminating": {reason: "nobody is left to tell", err: terminating},
		"NoNamespace": {reason: "nobody is left to tell", err: apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x")},
		"NoAPI":       {reason: "Kite's server comes back", err: apierrors.NewNotFound(reports, ""), retry: true},
		"Unavailable": {reason: "the database comes back", err: apierrors.NewServiceUnavailable("x"), retry: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := failing()
			w := newWorld(t, ended, run)
			w.recorder.Err = tc.err
			result, err := w.reconcile(t, run)
			require.Equal(t, tc.terminal, errors.Is(err, reconcile.TerminalError(nil)), tc.reason)
			require.Equal(t, tc.terminal || tc.retry, err != nil, tc.reason)
			require.Equal(t, tc.after, result.RequeueAfter, tc.reason)
			require.Empty(t, w.memory.runs, "a report that did not arrive is not remembered")
		})
	}
}
