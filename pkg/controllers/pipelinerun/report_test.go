// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/rule"
)

func TestFailureText(t *testing.T) {
	t.Parallel()
	pull := []runOption{
		label(labelRunType, "build"), label(labelComponent, "frontend"),
		label(pacPrefix+pacEventType, "pull_request"), label(pacPrefix+pacPullRequest, "42"),
	}
	cases := map[string]struct {
		reason string
		run    *tektonv1.PipelineRun
		tasks  []taskOption
		title  string
		cause  string
	}{
		"Step": {
			reason: "task, step and exit code",
			run:    failing(),
			tasks:  []taskOption{step("prepare", 0, "Completed", ""), step("compile", 3, "Error", ""), step("push", 1, "Error", "Skipped")},
			title:  "Pipeline web-build failed: task compile, step compile exited with code 3",
			cause:  "StepFailed",
		},
		"OutOfMemory": {
			reason: "the container's reason says more than its code",
			run:    failing(pull...),
			tasks:  []taskOption{step("compile", 137, "OOMKilled", ""), taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonStepOOM, "")},
			title:  "Build of component frontend failed in pull request 42: task compile, step compile exited with code 137 (OOMKilled)",
			cause:  "StepOOM",
		},
		"Image": {
			reason: "no step ran",
			run:    failing(label(labelRunType, "test"), label(labelComponent, "frontend"), label(labelScenario, "e2e")),
			tasks:  []taskOption{taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonImagePullFailed, "not found")},
			title:  "Test e2e of component frontend failed: task compile, TaskRunImagePullFailed",
			cause:  "TaskRunImagePullFailed",
		},
		"Timeout": {
			reason: "the timeout cancelled the task",
			run:    failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonTimedOut, "")),
			tasks:  []taskOption{taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonCancelled, "")},
			title:  "Pipeline web-build timed out: task compile did not finish",
			cause:  "PipelineRunTimeout",
		},
		"TimeoutBeforeTheTask": {
			reason: "the timeout is about to cancel the task",
			run:    failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonTimedOut, "")),
			tasks:  []taskOption{taskReason(corev1.ConditionUnknown, tektonv1.TaskRunReasonRunning, "")},
			title:  "Pipeline web-build timed out: task compile did not finish",
			cause:  "PipelineRunTimeout",
		},
		"Pruned": {
			reason: "the TaskRuns are gone",
			run:    failing(),
			title:  "Pipeline web-build failed: Failed",
			cause:  "Failed",
		},
		"Strange": {
			reason: "a reason that is no word of a machine is no cause",
			run:    failing(),
			tasks:  []taskOption{taskReason(corev1.ConditionFalse, "it broke", "")},
			title:  "Pipeline web-build failed: task compile, it broke",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var taskRuns []tektonv1.TaskRun
			if tc.tasks != nil {
				taskRuns = append(taskRuns, *newTask(tc.run, "compile", tc.tasks...))
			}
			issue := testConfig(t).failure(tc.run, judge(tc.run), failedTasks(taskRuns), "").Issue
			require.Equal(t, tc.title, issue.Title, tc.reason)
			require.Equal(t, tc.cause, issue.Cause, tc.reason)
		})
	}
}

func TestNeverRanText(t *testing.T) {
	t.Parallel()
	run := newRun(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonCouldntGetPipeline, `pipeline "web-build" not found`))
	spec := testConfig(t).failure(run, judge(run), nil, "")
	require.Equal(t, "Pipeline web-build never ran: CouldntGetPipeline", spec.Issue.Title)
	require.Equal(t, "CouldntGetPipeline", spec.Issue.Cause)
	require.Contains(t, spec.Issue.Description, `pipeline "web-build" not found`)
}

func TestFailedTasks(t *testing.T) {
	t.Parallel()
	run := failing()
	tasks := []tektonv1.TaskRun{
		*newTask(run, "late", at(ended.Add(time.Minute))),
		*newTask(run, "early"),
		*newTask(run, "ignored", taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonFailureIgnored, "")),
		*newTask(run, "green", taskReason(corev1.ConditionTrue, tektonv1.TaskRunReasonSuccessful, "")),
		*newTask(run, "stopped", taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonCancelled, ""), at(ended.Add(-time.Minute))),
	}
	names := []string{}
	for _, task := range failedTasks(tasks) {
		names = append(names, task.name)
	}
	require.Equal(t, []string{"early", "late"}, names)
}

func TestRunOfAReport(t *testing.T) {
	t.Parallel()
	run := failing(annotation(pacPrefix+pacLogURL, "https://console.example/run/1"), label(pacPrefix+pacSHAURL, "javascript:alert(1)"))
	spec := testConfig(t).failure(run, failed, nil, "")
	require.Equal(t, "run-1", string(spec.Run.UID))
	require.Equal(t, "team-gamma", spec.Run.Namespace)
	require.Equal(t, "https://console.example/run/1", spec.Run.URL)
	require.Len(t, spec.Issue.Links, 1, "a link that is no web address is left out")
	require.True(t, ended.Equal(spec.ObservedAt.Time), "a run is observed when it completed")
}

// TestRulesGiveSeverityAndOrigin to issues of all runs but MintMaker's updates, whose origin
// is known.
func TestRulesGiveSeverityAndOrigin(t *testing.T) {
	t.Parallel()
	labels := func(match string) configv1alpha1.RuleCondition {
		return configv1alpha1.RuleCondition{Match: match, In: []configv1alpha1.RuleSource{configv1alpha1.RuleSourceLabels}}
	}
	rules, errs := rule.Compile(&configv1alpha1.ReportRules{
		Severities: []configv1alpha1.SeverityRule{{
			RuleCondition: labels("^pipelinesascode.tekton.dev/event-type=pull_request$"), Severity: issuesv1alpha1.SeverityMinor,
		}},
		Origins: []configv1alpha1.OriginRule{{RuleCondition: labels("sender="), Origin: "human"}},
	}, nil)
	require.Empty(t, errs)
	config := &Config{Rules: rules, MintMakerNamespace: "mintmaker"}
	sender := annotation(pacPrefix+"sender", "somebody")

	pull := config.failure(failing(label(pacPrefix+pacEventType, "pull_request"), sender), failed, nil, "").Issue
	require.Equal(t, issuesv1alpha1.SeverityMinor, pull.Severity)
	require.Equal(t, "human", pull.Origin)

	push := config.failure(failing(label(pacPrefix+pacEventType, "push")), failed, nil, "").Issue
	require.Equal(t, issuesv1alpha1.SeverityMajor, push.Severity, "no rule matches")
	require.Empty(t, push.Origin)

	require.Equal(t, originMintMaker, config.failure(update(sender), failed, nil, "").Issue.Origin)
}

func TestTextStaysWithinTheLimits(t *testing.T) {
	t.Parallel()
	run := failing(condition(corev1.ConditionFalse, "Failed", strings.Repeat("ü\x00", 40_000)))
	var tasks []tektonv1.TaskRun
	for range 30 {
		tasks = append(tasks, *newTask(run, strings.Repeat("ö", 200),
			taskReason(corev1.ConditionFalse, "StepFailed", strings.Repeat("\xff\x00語", 20_000))))
	}
	issue := testConfig(t).failure(run, failed, failedTasks(tasks), "").Issue
	require.LessOrEqual(t, utf8.RuneCountInString(issue.Title), maxTitle)
	require.LessOrEqual(t, len(issue.Description), maxDescription)
	for _, text := range []string{issue.Title, issue.Description} {
		require.True(t, utf8.ValidString(text))
		require.NotContains(t, text, "\x00")
	}
	require.Equal(t, maxTasks, strings.Count(issue.Description, "\n\nTask "))
	require.True(t, strings.HasSuffix(issue.Description, "20 more tasks failed."))
}

// Whoever writes a run's annotations must not be able to silence its failure.
func TestAnnotationsCannotSpoilTheReport(t *testing.T) {
	t.Parallel()
	run := failing(
		annotation(pacPrefix+pacEventType, "pull_request"), annotation(pacPrefix+pacPullRequest, "4\n2\x00"),
		annotation(pacPrefix+pacLogURL, "http://:80/"),
	)
	spec := testConfig(t).failure(run, failed, nil, "")
	require.Equal(t, "4 2\uFFFD", spec.Issue.Key)
	require.NotContains(t, spec.Issue.Title, "\n")
	require.Empty(t, spec.Run.URL, "the API takes no address without a host")
}
