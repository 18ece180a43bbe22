// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// kiteRun is the run that KITE's operator is tested with: its label names a pipeline.
func kiteRun(options ...runOption) *tektonv1.PipelineRun {
	return failing(append([]runOption{label("tekton.dev/pipeline", "web-build")}, options...)...)
}

// TestKiteReplay replays what the tests of KITE's operator assert, 7 of 36 behaviours. The
// others are replayed by test/integration.TestKiteReplay.
func TestKiteReplay(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		// forbidden says which part of it Kite does not do, and why.
		forbidden string
		replay    func(*testing.T)
	}{
		"30 a failed run is one report with pipeline, namespace, reason, UID and severity": {"", func(t *testing.T) {
			run := kiteRun()
			w := newWorld(t, ended, run)
			_, err := w.reconcile(t, run)
			require.NoError(t, err)
			require.Len(t, w.recorder.Reports(), 1)
			sent := w.recorder.Reports()[0]
			require.Equal(t, "team-gamma", sent.Namespace)
			require.Equal(t, issuesv1alpha1.OutcomeFailed, sent.Spec.Outcome)
			require.Equal(t, "web-build", sent.Spec.Issue.Scope.Name)
			require.Contains(t, sent.Spec.Issue.Description, "Tasks Completed")
			require.Equal(t, run.UID, sent.Spec.Run.UID)
			require.Equal(t, issuesv1alpha1.SeverityMajor, sent.Spec.Issue.Severity)
		}},
		"31 an error of the API is tried again": {
			"the pause grows from seconds; KITE's fixed two minutes are ignored by controller-runtime beside an error",
			func(t *testing.T) {
				run := kiteRun()
				w := newWorld(t, ended, run)
				w.recorder.Err = errors.New("away")
				result, err := w.reconcile(t, run)
				require.ErrorContains(t, err, "away")
				require.Zero(t, result)
				w.recorder.Err = nil
				_, err = w.reconcile(t, run)
				require.NoError(t, err)
				require.Len(t, w.recorder.Reports(), 1)
			},
		},
		"32 a run that succeeded is one report": {"", func(t *testing.T) {
			run := green()
			w := newWorld(t, ended, run)
			_, err := w.reconcile(t, run)
			require.NoError(t, err)
			require.Len(t, w.recorder.Reports(), 1)
			require.Equal(t, issuesv1alpha1.OutcomeSucceeded, w.recorder.Reports()[0].Spec.Outcome)
		}},
		"33 a run that is not over is no report": {"", func(t *testing.T) {
			run := newRun(started(), child("TaskRun"), condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonRunning, ""))
			w := newWorld(t, ended, run)
			_, err := w.reconcile(t, run)
			require.NoError(t, err)
			require.Empty(t, w.recorder.Reports())
		}},
		"34 severities": {
			"names do not tell what is worse, and \"medium\" is no severity; releases are the Release monitor's",
			func(t *testing.T) {
				for _, run := range []*tektonv1.PipelineRun{
					kiteRun(), kiteRun(label(labelRunType, "build")), kiteRun(label(labelRunType, "test")),
					kiteRun(func(run *tektonv1.PipelineRun) { run.Spec.PipelineRef.Name = "product-api" }),
				} {
					w := newWorld(t, ended, run)
					_, err := w.reconcile(t, run)
					require.NoError(t, err)
					require.Equal(t, issuesv1alpha1.SeverityMajor, w.recorder.Reports()[0].Spec.Issue.Severity)
				}
				release := kiteRun(label(labelService, "release"))
				w := newWorld(t, ended, release)
				_, err := w.reconcile(t, release)
				require.NoError(t, err)
				require.Empty(t, w.recorder.Reports())
			},
		},
		"35 the name is the pipeline's, else the label's, else the run's": {
			"issues.md, Producers: Tekton's label changes with how far a run got; runs share what their names begin with",
			func(t *testing.T) {
				for want, run := range map[string]*tektonv1.PipelineRun{
					"web-build":   kiteRun(label("tekton.dev/pipeline", "other")),
					"nightly":     kiteRun(embedded("nightly-")),
					"web-build-1": kiteRun(embedded("")),
				} {
					w := newWorld(t, ended, run)
					_, err := w.reconcile(t, run)
					require.NoError(t, err)
					require.Equal(t, want, w.recorder.Reports()[0].Spec.Issue.Scope.Name)
				}
			},
		},
		"36 a run that is gone is no error": {"", func(t *testing.T) {
			w := newWorld(t, ended)
			_, err := w.reconcile(t, kiteRun())
			require.NoError(t, err)
			require.Empty(t, w.recorder.Reports())
		}},
	}
	require.Len(t, cases, 7)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.forbidden != "" {
				t.Log("different here: " + tc.forbidden)
			}
			tc.replay(t)
		})
	}
}
