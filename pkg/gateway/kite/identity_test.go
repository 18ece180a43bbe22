// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"knative.dev/pkg/apis"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/report/reporttest"
	"kite.dev/kite/pkg/rule"
)

// reported is what the controller says of a failed run.
func reported(t testing.TB, run *tektonv1.PipelineRun) issuesv1alpha1.IssueReportSpec {
	t.Helper()
	ended := metav1.NewTime(testTime)
	run.Status.CompletionTime = &ended
	run.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: "Failed"})
	scheme := runtime.NewScheme()
	require.NoError(t, tektonv1.AddToScheme(scheme))
	client := fake.NewClientBuilder().WithScheme(scheme).WithObjects(run).Build()
	rules, err := rule.BuiltIn()
	require.NoError(t, err)
	recorder := &reporttest.Recorder{}
	controller := pipelinerun.New(client, client, recorder, func() *pipelinerun.Config {
		return &pipelinerun.Config{Rules: rules}
	}, clocktesting.NewFakePassiveClock(testTime))
	_, err = controller.Reconcile(t.Context(), ctrl.Request{NamespacedName: run.GetNamespacedName()})
	require.NoError(t, err)
	require.Len(t, recorder.Reports(), 1)
	return recorder.Reports()[0].Spec
}

// TestOneIssueForBothProducers: the controller and a client of KITE that see one run speak
// of one problem and of one observation.
func TestOneIssueForBothProducers(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]*tektonv1.PipelineRun{
		"Named": {
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: "nightly-x7k2p", UID: "uid-1"},
			Spec:       tektonv1.PipelineRunSpec{PipelineRef: &tektonv1.PipelineRef{Name: "nightly"}},
		},
		"Embedded": {
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma", Name: "nightly-x7k2p", GenerateName: "nightly-", UID: "uid-1"},
			Spec:       tektonv1.PipelineRunSpec{PipelineSpec: &tektonv1.PipelineSpec{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer()
			code, _ := s.post(t, "pipeline-failure", `{"pipelineName":"nightly","namespace":"team-gamma","failureReason":"x","runId":"uid-1"}`)
			require.Equal(t, http.StatusCreated, code)
			ours, theirs := s.report(t).Spec, reported(t, run)
			theirs.Issue.Scope.UID = "" // no part of the identity
			require.Equal(t, theirs.Issue.Type, ours.Issue.Type)
			require.Equal(t, theirs.Issue.Scope, ours.Issue.Scope)
			require.Equal(t, theirs.Issue.Stage, ours.Issue.Stage)
			require.Equal(t, theirs.Issue.Key, ours.Issue.Key)
			require.Equal(t, theirs.Run.UID, ours.Run.UID)
		})
	}
}
