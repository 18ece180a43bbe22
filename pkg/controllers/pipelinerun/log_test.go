// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// logs are by namespace, pod and container.
type logs map[string]string

func (l logs) Tail(_ context.Context, namespace, pod, container string) (string, error) {
	text, ok := l[namespace+"/"+pod+"/"+container]
	if !ok {
		return "", errors.New("no such log")
	}
	return text, nil
}

// inPod lets a task's step run in a pod.
func inPod(pod string) taskOption {
	return func(task *tektonv1.TaskRun) {
		task.Status.PodName = pod
		for i := range task.Status.Steps {
			task.Status.Steps[i].Container = "step-" + task.Status.Steps[i].Name
		}
	}
}

func reportOf(t *testing.T, run *tektonv1.PipelineRun, log string) (string, issuesv1alpha1.IssueReportSpec) {
	t.Helper()
	w := newWorld(t, ended, run, newTask(run, "build", step("ready", 0, "Completed", ""), step("renovate", 1, "Error", ""), inPod("build-pod")))
	w.config.Logs = logs{run.Namespace + "/build-pod/step-renovate": log}
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Len(t, w.recorder.Reports(), 1)
	report := w.recorder.Reports()[0]
	return report.Namespace, report.Spec
}

// update is a run of MintMaker for a component of team-gamma.
func update(options ...runOption) *tektonv1.PipelineRun {
	return failing(append([]runOption{
		func(run *tektonv1.PipelineRun) { run.Namespace = "mintmaker" },
		label(labelUpdateNamespace, "team-gamma"), label(labelUpdateComponent, "frontend"), label(labelUpdateBranch, "main"),
	}, options...)...)
}

func TestLogOfAFailure(t *testing.T) {
	t.Parallel()
	_, spec := reportOf(t, failing(label(labelRunType, "build"), label(labelComponent, "frontend")),
		"compiling\npassword=hunter2 Bad credentials\n")
	require.Equal(t, "compiling\npassword=[redacted] Bad credentials\n", spec.LogExcerpt)
	require.Equal(t, "TokenExpired", spec.Issue.Cause)
	require.Equal(t, issuesv1alpha1.LinkDocumentation, spec.Issue.Links[0].Kind)
	require.Empty(t, spec.Issue.GroupKey)

	_, spec = reportOf(t, failing(label(labelRunType, "build")), "\x1b[1;31mBad \x1b[0mcredentials, pass\x1b[Kword=hunter2\n")
	require.Equal(t, "Bad credentials, password=[redacted]\n", spec.LogExcerpt, "colours hide nothing")
	require.Equal(t, "TokenExpired", spec.Issue.Cause)

	_, spec = reportOf(t, failing(), strings.Repeat("a line of text\n", 10_000))
	require.LessOrEqual(t, len(spec.LogExcerpt), maxExcerpt)
	require.True(t, strings.HasPrefix(spec.LogExcerpt, "a line"), "no half lines")

	_, spec = reportOf(t, failing(), "first\n"+strings.Repeat("語", maxExcerpt)+"\n")
	require.True(t, strings.HasSuffix(spec.LogExcerpt, "語\n"), "a line that is too long is cut")
	require.True(t, utf8.ValidString(spec.LogExcerpt))
}

// TestFailureWithoutLog: who cannot read the log reports the failure all the same.
func TestFailureWithoutLog(t *testing.T) {
	t.Parallel()
	run := failing()
	w := newWorld(t, ended, run, newTask(run, "build", step("renovate", 1, "Error", ""), inPod("gone")))
	w.config.Logs = logs{}
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Equal(t, "StepFailed", w.recorder.Reports()[0].Spec.Issue.Cause)
}

// TestUpdateFails: the issue belongs to the component's team, to which nothing goes that
// MintMaker's run printed or was given.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	run := update(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonFailed, "a message with parameters"))
	namespace, spec := reportOf(t, run, "[SECURITY] Update base image, CVE-2024-1234\nsecret of the run\nUnauthorized docker lookup\n")
	require.Equal(t, "team-gamma", namespace)
	issue := spec.Issue
	require.Equal(t, issuesv1alpha1.TypeDependency, issue.Type)
	require.Equal(t, issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: "Component", Name: "frontend"}, issue.Scope)
	require.Empty(t, issue.Key)
	require.Empty(t, issue.Stage)
	require.Equal(t, "frontend", issue.Component)
	require.Equal(t, "mintmaker", issue.Origin)
	require.Equal(t, "CVE-2024-1234", issue.GroupKey)
	require.Equal(t, "RegistryAuthFailed", issue.Cause)
	require.Equal(t, issuesv1alpha1.SeverityCritical, issue.Severity)
	require.Equal(t, "[SECURITY] CVE-2024-1234: Dependency update of component frontend failed: task build, step renovate exited with code 1", issue.Title)
	require.Len(t, issue.Links, 2)
	require.Empty(t, spec.LogExcerpt)
	text := fmt.Sprintf("%+v", spec)
	for _, foreign := range []string{"secret of the run", "a message", "exited with code 3"} {
		require.NotContains(t, text, foreign)
	}
}

// TestLabelsAreNotBelieved outside of MintMaker's namespace: anybody may set them.
func TestLabelsAreNotBelieved(t *testing.T) {
	t.Parallel()
	run := update(func(run *tektonv1.PipelineRun) { run.Namespace = "team-evil" })
	namespace, spec := reportOf(t, run, "")
	require.Equal(t, "team-evil", namespace)
	require.Equal(t, issuesv1alpha1.TypePipeline, spec.Issue.Type)
	require.Empty(t, spec.Issue.Origin)
}

// TestProposalOfMintMaker: its pull requests can be told from those of people.
func TestProposalOfMintMaker(t *testing.T) {
	t.Parallel()
	pull := annotation(pacPrefix+pacEventType, "pull_request")
	require.Equal(t, "mintmaker", identity(failing(pull, annotation(pacPrefix+pacSourceBranch, "konflux/mintmaker/main/base-image"))).Origin)
	require.Empty(t, identity(failing(pull, annotation(pacPrefix+pacSourceBranch, "feature"))).Origin)
}

func TestBranchOfAnUpdate(t *testing.T) {
	t.Parallel()
	require.Equal(t, "release-1.2", testConfig(t).identityOf(update(label(labelUpdateBranch, "release-1.2"))).Key)
}

// TestUpdateRecovers with the next build of merged content, not with another green run.
func TestUpdateRecovers(t *testing.T) {
	t.Parallel()
	push := []runOption{
		label(labelRunType, "build"), label(labelComponent, "frontend"),
		annotation(pacPrefix+pacEventType, "push"), annotation(pacPrefix+pacBranch, "refs/heads/main"),
	}
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		want   []string
	}{
		"Push":        {"of its own problem and of the update's", green(push...), []string{"team-gamma build", "team-gamma dependency"}},
		"PullRequest": {"nothing is merged", green(append(push, annotation(pacPrefix+pacEventType, "pull_request"), annotation(pacPrefix+pacPullRequest, "1"))...), []string{"team-gamma build"}},
		"Test":        {"nothing was built", green(append(push, label(labelRunType, "test"))...), []string{"team-gamma test"}},
		"Update":      {"a proposal is not merged", green(func(run *tektonv1.PipelineRun) { run.Namespace, run.Labels = "mintmaker", update().Labels }), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ended, tc.run)
			_, err := w.reconcile(t, tc.run)
			require.NoError(t, err)
			var got []string
			for _, report := range w.recorder.Reports() {
				require.Equal(t, issuesv1alpha1.OutcomeSucceeded, report.Spec.Outcome)
				got = append(got, report.Namespace+" "+report.Spec.Issue.Type)
			}
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
	spec, ok := updatedBy(green(push...))
	require.True(t, ok)
	require.Equal(t, created, spec.ObservedAt.Time, "a build that began before the failure does not recover it")
	failed := testConfig(t).identityOf(update())
	require.Equal(t, failed.Scope, spec.Issue.Scope)
	require.Equal(t, failed.Key, spec.Issue.Key)
	require.Equal(t, failed.Type, spec.Issue.Type)
	require.Equal(t, failed.Stage, spec.Issue.Stage)
}

func TestLateUpdateIsFollowedByItsRecovery(t *testing.T) {
	t.Parallel()
	late := green(label(labelRunType, "build"), label(labelComponent, "frontend"), annotation(pacPrefix+pacEventType, "push"))
	late.Name, late.CreationTimestamp.Time = "late", ended.Add(1)
	run := update()
	w := newWorld(t, ended.Add(1), run, late)
	w.recorder.Status.Result = issuesv1alpha1.ResultCreated
	_, err := w.reconcile(t, run)
	require.NoError(t, err)
	require.Len(t, w.recorder.Reports(), 3)
	require.Equal(t, issuesv1alpha1.TypeDependency, w.recorder.Reports()[2].Spec.Issue.Type)
}

func TestTail(t *testing.T) {
	t.Parallel()
	end := &tail{limit: 10}
	for _, part := range []string{"first\n", "second\n", "third\n"} {
		n, err := end.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, "third\n", end.String(), "half a line is left out")
	short := &tail{limit: 10}
	_, err := short.Write([]byte("short"))
	require.NoError(t, err)
	require.Equal(t, "short", short.String())
}

func TestPodLogs(t *testing.T) {
	t.Parallel()
	reader := &PodLogs{Pods: fake.NewClientset().CoreV1(), Bytes: 1024}
	text, err := reader.Tail(t.Context(), "team-gamma", "pod", "step-x")
	require.NoError(t, err)
	require.Equal(t, "fake logs", text)
}
