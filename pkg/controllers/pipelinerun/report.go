// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// recovery is the report of a run that succeeded.
func recovery(run *tektonv1.PipelineRun) issuesv1alpha1.IssueReportSpec {
	issue := identity(run)
	issue.ExpiresAfter = nil
	return observation(run, issue, completedAt(run))
}

// failure is the report of a run that is over and did not succeed.
func failure(run *tektonv1.PipelineRun, v verdict, taskRuns []tektonv1.TaskRun) issuesv1alpha1.IssueReportSpec {
	condition := run.Status.GetCondition(apis.ConditionSucceeded)
	issue := describe(run, &outcome{
		verdict: v,
		run:     run.Namespace + "/" + run.Name,
		reason:  condition.Reason,
		message: condition.Message,
		tasks:   failedTasks(taskRuns),
	})
	return observation(run, issue, completedAt(run))
}

// delay is the report of a run that does not start. It has no UID, by which
// the server counts a run once: when the run fails later, that is news.
func delay(run *tektonv1.PipelineRun, deadline time.Time, taskRuns []tektonv1.TaskRun) issuesv1alpha1.IssueReportSpec {
	reason, message := pendingReason(run, taskRuns)
	issue := describe(run, &outcome{
		verdict: stuck, run: run.Namespace + "/" + run.Name, reason: reason, message: message,
	})
	spec := observation(run, issue, deadline)
	spec.Run.UID = ""
	return spec
}

func describe(run *tektonv1.PipelineRun, o *outcome) issuesv1alpha1.ReportedIssue {
	issue := identity(run)
	pullRequest := ""
	if issue.Stage == issuesv1alpha1.StagePullRequest {
		pullRequest = pac(run, pacPullRequest)
	}
	issue.Title = titleOf(&issue, run.Labels[labelScenario], pullRequest, o)
	issue.Description = descriptionOf(o)
	issue.Severity = severityOf(&issue)
	issue.Cause = causeOf(o)
	issue.Links = linksOf(run)
	return issue
}

func observation(run *tektonv1.PipelineRun, issue issuesv1alpha1.ReportedIssue, at time.Time) issuesv1alpha1.IssueReportSpec {
	observed := metav1.NewMicroTime(at)
	return issuesv1alpha1.IssueReportSpec{
		ObservedAt: &observed,
		Issue:      issue,
		Run: &issuesv1alpha1.IssueRun{
			Kind:      "PipelineRun",
			Namespace: run.Namespace,
			Name:      run.Name,
			UID:       run.UID,
			URL:       webAddress(pac(run, pacLogURL)),
		},
	}
}
