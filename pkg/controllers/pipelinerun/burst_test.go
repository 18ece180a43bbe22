// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// burst is how many runs finish at once, of three kinds in turn.
const burst = 500

// burstRun is one of them: red, green, or never ran.
func burstRun(i int) *tektonv1.PipelineRun {
	named := func(run *tektonv1.PipelineRun) {
		run.Name = fmt.Sprintf("web-build-%d", i)
		run.UID = types.UID(run.Name)
		run.Spec.PipelineRef.Name = fmt.Sprintf("web-build-%d", i%50)
	}
	switch i % 3 {
	case 0:
		return failing(named)
	case 1:
		return green(named)
	default:
		return newRun(named, ends(tektonv1.PipelineRunReasonCouldntGetPipeline, "gone"))
	}
}

// flaky is an API that is away for the first report of every run.
type flaky struct {
	reporter

	mu      sync.Mutex
	refused map[types.UID]bool
}

func (f *flaky) refuse(spec *issuesv1alpha1.IssueReportSpec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused[spec.Run.UID] {
		return nil
	}
	f.refused[spec.Run.UID] = true
	return apierrors.NewServiceUnavailable("away")
}

func (f *flaky) Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	if err := f.refuse(&spec); err != nil {
		return issuesv1alpha1.IssueReportStatus{}, err
	}
	return f.reporter.Failed(ctx, namespace, spec)
}

func (f *flaky) Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	if err := f.refuse(&spec); err != nil {
		return issuesv1alpha1.IssueReportStatus{}, err
	}
	return f.reporter.Succeeded(ctx, namespace, spec)
}

// reconcileBurst lets 8 workers reconcile every run of the burst once, as the work queue
// does: never one run twice at the same time. It returns how many errors there were.
func (w *world) reconcileBurst(ctx context.Context) int64 {
	var errs atomic.Int64
	requests := make(chan ctrl.Request)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for request := range requests {
				if _, err := w.Reconcile(ctx, request); err != nil {
					errs.Add(1)
				}
			}
		})
	}
	for i := range burst {
		requests <- ctrl.Request{NamespacedName: burstRun(i).GetNamespacedName()}
	}
	close(requests)
	workers.Wait()
	return errs.Load()
}

// TestManyRunsFinishAtOnce: all are reported, each once, though the API is away at first
// and every run is updated again after its end.
func TestManyRunsFinishAtOnce(t *testing.T) {
	t.Parallel()
	objects := make([]client.Object, 0, 2*burst)
	for i := range burst {
		run := burstRun(i)
		objects = append(objects, run)
		if i%3 == 0 {
			objects = append(objects, newTask(run, "compile", step("build", 3, "Error", "")))
		}
	}
	w := newWorld(t, ended.Add(time.Minute), objects...)
	w.reporter = &flaky{reporter: w.recorder, refused: map[types.UID]bool{}}
	require.EqualValues(t, burst, w.reconcileBurst(t.Context()), "each refusal is an error, for another attempt")
	require.Empty(t, w.memory.runs)
	for range 2 {
		require.Zero(t, w.reconcileBurst(t.Context()))
	}

	outcomes, seen := map[issuesv1alpha1.Outcome]int{}, map[types.UID]bool{}
	for _, report := range w.recorder.Reports() {
		require.False(t, seen[report.Spec.Run.UID], "%s is reported twice", report.Spec.Run.UID)
		seen[report.Spec.Run.UID] = true
		outcomes[report.Spec.Outcome]++
	}
	require.Equal(t, map[issuesv1alpha1.Outcome]int{issuesv1alpha1.OutcomeFailed: 333, issuesv1alpha1.OutcomeSucceeded: 167}, outcomes)

	require.Len(t, w.memory.runs, burst)
	for _, object := range objects {
		require.NoError(t, w.client.Delete(t.Context(), object))
	}
	require.Zero(t, w.reconcileBurst(t.Context()))
	require.Empty(t, w.memory.runs, "what is remembered goes with the runs")
}
