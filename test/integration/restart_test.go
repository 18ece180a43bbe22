// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"knative.dev/pkg/apis"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	reports "kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/rule"
)

const (
	restartPipelines = 100
	restartRuns      = 5 // of each pipeline
)

// TestControllersRestart lets controllers find 500 finished runs, again and again and
// in another order each time, as after restarts: after the first time no issue moves.
func TestControllersRestart(t *testing.T) {
	t.Parallel()
	issues := versioned.NewForConfigOrDie(StartServer(t)).IssuesV1alpha1()
	scheme := runtime.NewScheme()
	require.NoError(t, tektonv1.AddToScheme(scheme))
	runs := finishedRuns()
	tekton := fake.NewClientBuilder().WithScheme(scheme).WithObjects(runs...).Build()

	rules, err := rule.BuiltIn()
	require.NoError(t, err)
	restart := func() {
		reconciler := pipelinerun.New(tekton, tekton, reports.New(issues), func() *pipelinerun.Config { return &pipelinerun.Config{Rules: rules} }, clock.RealClock{})
		reconcileAll(t, reconciler, runs)
	}
	restart()
	first, err := issues.Issues("team-gamma").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, first.Items, restartPipelines)
	for i := range first.Items {
		checkSettled(t, &first.Items[i])
	}
	for range 2 {
		restart()
		again, err := issues.Issues("team-gamma").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Equal(t, first.Items, again.Items, "no resourceVersion moves")
		require.Equal(t, first.ResourceVersion, again.ResourceVersion, "nothing was written at all")
	}
}

// finishedRuns are runs of pipelines that fail and succeed in turn, a minute apart. The
// last one of an odd pipeline succeeded, of an even one failed. There are few runs of
// each, so that successes are often read before any failure.
func finishedRuns() []client.Object {
	var runs []client.Object
	begin := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	for p := range restartPipelines {
		for n := range restartRuns {
			name := fmt.Sprintf("build-%02d-%02d", p, n)
			ended := metav1.NewTime(begin.Add(time.Duration(n) * time.Minute))
			status, reason := corev1.ConditionFalse, tektonv1.PipelineRunReasonFailed
			if (n+p)%2 == 1 {
				status, reason = corev1.ConditionTrue, tektonv1.PipelineRunReasonSuccessful
			}
			run := &tektonv1.PipelineRun{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: name, UID: types.UID(name)},
				Spec:       tektonv1.PipelineRunSpec{PipelineRef: &tektonv1.PipelineRef{Name: fmt.Sprintf("build-%02d", p)}},
			}
			run.Status.CompletionTime = &ended
			run.Status.ChildReferences = []tektonv1.ChildStatusReference{{TypeMeta: runtime.TypeMeta{Kind: "TaskRun"}, Name: name + "-compile"}}
			run.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: status, Reason: reason.String()})
			runs = append(runs, run)
		}
	}
	return runs
}

// reconcileAll looks at the runs in random order, eight at a time, as a manager does.
func reconcileAll(t *testing.T, reconciler *pipelinerun.Reconciler, runs []client.Object) {
	t.Helper()
	queue := make(chan client.Object, len(runs))
	for _, i := range rand.Perm(len(runs)) {
		queue <- runs[i]
	}
	close(queue)
	var workers sync.WaitGroup
	errs := make(chan error, len(runs))
	for range 8 {
		workers.Go(func() {
			for run := range queue {
				_, err := reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(run)})
				errs <- err
			}
		})
	}
	workers.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

func checkSettled(t *testing.T, issue *v1alpha1.Issue) {
	t.Helper()
	var pipeline int
	_, err := fmt.Sscanf(issue.Spec.Scope.Name, "build-%02d", &pipeline)
	require.NoError(t, err)
	state, failures := v1alpha1.StateActive, (restartRuns+1)/2
	if pipeline%2 == 1 {
		state, failures = v1alpha1.StateResolved, restartRuns/2
	}
	require.Equal(t, state, issue.Status.State, "the newest run of %s decides", issue.Spec.Scope.Name)
	require.EqualValues(t, failures, issue.Status.Occurrences, issue.Name)
}
