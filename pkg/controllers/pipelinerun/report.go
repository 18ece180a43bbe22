// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"cmp"
	"maps"
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/rule"
)

// recovery is the report of a run that succeeded.
func recovery(run *tektonv1.PipelineRun) issuesv1alpha1.IssueReportSpec {
	issue := identity(run)
	issue.ExpiresAfter = nil
	return observation(run, issue, completedAt(run))
}

// failure is the report of a run that is over and did not succeed. Log is the end of its
// failed step's log.
func (c *Config) failure(run *tektonv1.PipelineRun, v verdict, tasks []failedTask, log string) issuesv1alpha1.IssueReportSpec {
	condition := run.Status.GetCondition(apis.ConditionSucceeded)
	spec := c.observe(run, &outcome{
		verdict: v,
		run:     run.Namespace + "/" + run.Name,
		reason:  condition.Reason,
		message: condition.Message,
		tasks:   tasks,
		log:     log,
	}, completedAt(run))
	if c.home(run) == run.Namespace {
		spec.LogExcerpt = excerpt(log)
	}
	return spec
}

// delay is the report of a run that does not start. It has no UID, by which
// the server counts a run once: when the run fails later, that is news.
func (c *Config) delay(run *tektonv1.PipelineRun, deadline time.Time, taskRuns []tektonv1.TaskRun) issuesv1alpha1.IssueReportSpec {
	reason, message := pendingReason(run, taskRuns)
	spec := c.observe(run, &outcome{
		verdict: stuck, run: run.Namespace + "/" + run.Name, reason: reason, message: message,
	}, deadline)
	spec.Run.UID = ""
	return spec
}

// observe is the report of a failure.
func (c *Config) observe(run *tektonv1.PipelineRun, o *outcome, at time.Time) issuesv1alpha1.IssueReportSpec {
	spec := observation(run, c.describe(run, o), at)
	spec.Run.URL = c.logURL(run)
	return spec
}

// describe says what happened. Where the issue belongs into another namespace than the
// run's, nothing that the run itself printed or was given goes there, but what rules
// find in it.
func (c *Config) describe(run *tektonv1.PipelineRun, o *outcome) issuesv1alpha1.ReportedIssue {
	if c.home(run) != run.Namespace {
		o.withoutMessages()
	}
	issue := c.identityOf(run)
	pullRequest := ""
	if issue.Stage == issuesv1alpha1.StagePullRequest {
		pullRequest = pac(run, pacPullRequest)
	}
	issue.Title = titleOf(&issue, run.Labels[labelScenario], pullRequest, o)
	issue.Description = descriptionOf(o)
	issue.Severity = severityOf(&issue)
	issue.Cause = causeOf(o)
	issue.Links = c.linksOf(run)
	c.diagnose(run, &issue, o.log)
	return issue
}

// diagnose adds what the rules find.
func (c *Config) diagnose(run *tektonv1.PipelineRun, issue *issuesv1alpha1.ReportedIssue, log string) {
	found := c.Rules.Examine(rule.Evidence{
		Type: issue.Type, Title: issue.Title, Severity: issue.Severity, Labels: evidenceOf(run), Log: log,
	})
	issue.GroupKey = found.GroupKey
	issue.Title = cutRunes(oneLine(found.Title+issue.Title), maxTitle)
	issue.Severity = found.Severity
	if !c.isUpdate(run) {
		issue.Origin = cmp.Or(found.Origin, issue.Origin)
	}
	issue.Cause = cmp.Or(found.Cause, issue.Cause)
	issue.Links = append(issue.Links, found.Links...)
}

// evidenceOf is what a run's metadata says.
func evidenceOf(run *tektonv1.PipelineRun) map[string]string {
	out := maps.Clone(run.Labels)
	if out == nil {
		out = map[string]string{}
	}
	for name, value := range run.Annotations {
		if wanted(name) {
			out[name] = value
		}
	}
	return out
}

func observation(run *tektonv1.PipelineRun, issue issuesv1alpha1.ReportedIssue, at time.Time) issuesv1alpha1.IssueReportSpec {
	observed := metav1.NewMicroTime(at)
	return issuesv1alpha1.IssueReportSpec{
		ObservedAt: &observed,
		Issue:      issue,
		Run: &issuesv1alpha1.IssueRun{
			Kind:      kindPipelineRun,
			Namespace: run.Namespace,
			Name:      run.Name,
			UID:       run.UID,
			URL:       webAddress(pac(run, pacLogURL)),
		},
	}
}
