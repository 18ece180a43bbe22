// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/history"
)

// reporter is the part of report.Reporter that the controller uses.
type reporter interface {
	Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
	Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
}

// Reconciler reports PipelineRuns.
type Reconciler struct {
	runs     client.Reader
	live     client.Reader
	reporter reporter
	current  func() *Config
	config   *Config
	clock    clock.PassiveClock
	memory   *memory
	patience *patience
}

var _ reconcile.Reconciler = (*Reconciler)(nil)

// New returns a Reconciler. It reads PipelineRuns from runs, which should be a
// cache, and what belongs to a failed run from live, which should not be one:
// most TaskRuns are never looked at. Config returns what is in force; it is asked for each
// run.
func New(runs, live client.Reader, reporter reporter, config func() *Config, clock clock.PassiveClock) *Reconciler {
	return &Reconciler{runs: runs, live: live, reporter: reporter, current: config, clock: clock, memory: newMemory(), patience: &patience{}}
}

// Reconcile reports a run that is over, and one that should have started.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	pass := *r // all that is done for one run is done with one configuration
	pass.config = r.current()
	return pass.reconcile(ctx, request)
}

func (r *Reconciler) reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	run := &tektonv1.PipelineRun{}
	if err := r.runs.Get(ctx, request.NamespacedName, run); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.memory.forget(request.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("read PipelineRun %s: %w", request.NamespacedName, err)
	}
	if otherProducer(run) != "" {
		return ctrl.Result{}, nil
	}

	switch v := judge(run); v {
	case cancelled:
		return ctrl.Result{}, nil
	case running:
		return r.awaitStart(ctx, run)
	default:
		return r.once(ctx, run, v, func() error { return r.reportEnd(ctx, run, v) })
	}
}

// once does what a verdict asks for, unless that was done for this run before.
func (r *Reconciler) once(ctx context.Context, run *tektonv1.PipelineRun, v verdict, do func() error) (ctrl.Result, error) {
	key, now := run.GetNamespacedName(), settled{uid: run.UID, verdict: v}
	if r.memory.has(key, now) {
		return ctrl.Result{}, nil
	}
	if err := do(); err != nil {
		return afterRefusal(ctx, err)
	}
	r.memory.keep(key, now)
	return ctrl.Result{}, nil
}

func (r *Reconciler) reportEnd(ctx context.Context, run *tektonv1.PipelineRun, v verdict) error {
	if v == succeeded {
		return r.reportRecovery(ctx, run)
	}
	if r.past(run, completedAt(run)) {
		return nil
	}
	var taskRuns []tektonv1.TaskRun
	if v != neverRan {
		var err error
		if taskRuns, err = r.taskRunsOf(ctx, run); err != nil {
			return err
		}
	}
	tasks := failedTasks(taskRuns)
	answer, err := r.reportFailure(ctx, run, r.config.failure(run, v, tasks, r.logOf(ctx, run, tasks)))
	if err := note(ctx, v, answer, err); err != nil || answer.Result != issuesv1alpha1.ResultCreated {
		return err
	}
	return r.repeatRecovery(ctx, run)
}

// reportRecovery tells what a green run recovers: its own problem, and for a build of
// merged content the component's failed update.
func (r *Reconciler) reportRecovery(ctx context.Context, run *tektonv1.PipelineRun) error {
	if r.config.isUpdate(run) {
		return nil
	}
	answer, err := r.reporter.Succeeded(ctx, run.Namespace, recovery(run))
	if err := note(ctx, succeeded, answer, err); err != nil {
		return err
	}
	update, ok := updatedBy(run)
	if !ok {
		return nil
	}
	answer, err = r.reporter.Succeeded(ctx, run.Namespace, update)
	return note(ctx, succeeded, answer, err)
}

// repeatRecovery reports the success that came after a failure which has opened an
// issue. The server remembers no recovery without an issue, and runs are read in any
// order, above all those that ended before Kite was installed.
func (r *Reconciler) repeatRecovery(ctx context.Context, failed *tektonv1.PipelineRun) error {
	list := &tektonv1.PipelineRunList{}
	if err := r.runs.List(ctx, list, client.InNamespace(r.config.home(failed)), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list PipelineRuns after %s: %w", failed.GetNamespacedName(), err)
	}
	green := r.config.newestRecovery(failed, list.Items)
	if green == nil {
		return nil
	}
	return r.reportRecovery(ctx, green)
}

// newestRecovery is the last of the runs that succeeded after a run of the same problem
// failed; nil when there is none.
func (c *Config) newestRecovery(failed *tektonv1.PipelineRun, runs []tektonv1.PipelineRun) *tektonv1.PipelineRun {
	newest, at := (*tektonv1.PipelineRun)(nil), completedAt(failed)
	for i := range runs {
		run := &runs[i]
		if otherProducer(run) != "" || judge(run) != succeeded || !c.recovers(run, failed) {
			continue
		}
		if recovered := c.recoveredAt(run, failed).Time; !recovered.Before(at) {
			newest, at = run, recovered
		}
	}
	return newest
}

// awaitStart looks at a run again when it should have started, and then once.
func (r *Reconciler) awaitStart(ctx context.Context, run *tektonv1.PipelineRun) (ctrl.Result, error) {
	deadline, ok := r.config.startDeadline(run)
	if !ok {
		return ctrl.Result{}, nil
	}
	if wait := deadline.Sub(r.clock.Now()); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	return r.once(ctx, run, stuck, func() error { return r.reportDelay(ctx, run, deadline) })
}

func (r *Reconciler) reportDelay(ctx context.Context, run *tektonv1.PipelineRun, deadline time.Time) error {
	if r.past(run, deadline) {
		return nil
	}
	taskRuns, err := r.taskRunsOf(ctx, run)
	if err != nil {
		return err
	}
	if hasStarted(run, taskRuns) {
		return nil
	}
	answer, err := r.reportFailure(ctx, run, r.config.delay(run, deadline, taskRuns))
	return note(ctx, stuck, answer, err)
}

// past says that a failure may have been told, resolved and removed before this process began.
func (r *Reconciler) past(run *tektonv1.PipelineRun, failed time.Time) bool {
	return history.Past(r.clock.Now(), failed, r.config.identityOf(run).ExpiresAfter)
}

func (r *Reconciler) reportFailure(
	ctx context.Context, run *tektonv1.PipelineRun, spec issuesv1alpha1.IssueReportSpec,
) (issuesv1alpha1.IssueReportStatus, error) {
	home := r.config.home(run)
	spec.Issue.Scope.UID = r.uidOf(ctx, home, spec.Issue.Scope)
	return r.reporter.Failed(ctx, home, spec)
}

// uidOf is the UID of what an issue is about, without which its deletion does not resolve
// the issue. No report fails because it cannot be read.
func (r *Reconciler) uidOf(ctx context.Context, namespace string, scope issuesv1alpha1.IssueScope) types.UID {
	object := &metav1.PartialObjectMetadata{}
	switch scope.Kind {
	case kindComponent, kindApplication:
		object.SetGroupVersionKind(schema.GroupVersionKind{Group: componentGroup, Version: "v1alpha1", Kind: scope.Kind})
	case kindPipeline:
		object.SetGroupVersionKind(tektonv1.SchemeGroupVersion.WithKind(kindPipeline))
	default:
		return "" // a run does not last
	}
	if err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: scope.Name}, object); err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("The issue will not resolve by its scope's deletion", "scope", scope.Kind+"/"+scope.Name, "reason", err.Error())
	}
	return object.UID
}

// taskRunsOf asks by label and checks the owner: an earlier run of the same name
// may have left TaskRuns that are not deleted yet.
func (r *Reconciler) taskRunsOf(ctx context.Context, run *tektonv1.PipelineRun) ([]tektonv1.TaskRun, error) {
	list := &tektonv1.TaskRunList{}
	err := r.live.List(ctx, list, client.InNamespace(run.Namespace),
		client.MatchingLabels{pipeline.PipelineRunLabelKey: run.Name})
	if err != nil {
		return nil, fmt.Errorf("list TaskRuns of PipelineRun %s: %w", run.GetNamespacedName(), err)
	}
	own := list.Items[:0]
	for i := range list.Items {
		if metav1.IsControlledBy(&list.Items[i], run) {
			own = append(own, list.Items[i])
		}
	}
	return own, nil
}

func note(ctx context.Context, v verdict, answer issuesv1alpha1.IssueReportStatus, err error) error {
	if err != nil {
		return err
	}
	log := ctrl.LoggerFrom(ctx).WithValues("verdict", v, "result", answer.Result)
	if len(answer.Issues) > 0 {
		log = log.WithValues("issue", answer.Issues[0].Name)
	}
	if answer.Result == issuesv1alpha1.ResultUnchanged {
		log = log.V(4)
	}
	log.Info("Reported PipelineRun")
	return nil
}
