// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"fmt"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
)

// severities are what payloads may say. KITE's operator says "medium", which KITE stores
// and nothing understands.
var severities = map[string]issuesv1alpha1.IssueSeverity{
	"":         issuesv1alpha1.SeverityMajor,
	"critical": issuesv1alpha1.SeverityCritical,
	"major":    issuesv1alpha1.SeverityMajor,
	"medium":   issuesv1alpha1.SeverityMinor,
	"minor":    issuesv1alpha1.SeverityMinor,
	"info":     issuesv1alpha1.SeverityInfo,
}

// unknownRun is what a sender of KITE's says that does not know its run.
const unknownRun = "unknown"

func (p *pipelineSuccess) check(m *mistakes) { m.name("pipelineName", p.PipelineName) }

func (p *pipelineSuccess) subject() string { return "pipeline " + p.PipelineName }

func (p *pipelineSuccess) report(key string, _ func(string) string) issuesv1alpha1.IssueReportSpec {
	return issuesv1alpha1.IssueReportSpec{Issue: pipelineProblem(p.PipelineName), Run: deliveryOf(key)}
}

func (p *pipelineFailure) check(m *mistakes) {
	m.name("pipelineName", p.PipelineName)
	m.require("failureReason", p.FailureReason)
	if _, ok := severities[p.Severity]; !ok {
		m.add("severity", "must be critical, major, minor or info")
	}
}

func (p *pipelineFailure) scope() (resourceType, name string) { return "pipelinerun", p.PipelineName }

func (p *pipelineFailure) log() string { return p.FailureReason }

func (p *pipelineFailure) report(key string, logURL func(string) string) issuesv1alpha1.IssueReportSpec {
	issue := pipelineProblem(p.PipelineName)
	issue.Title = gateway.Title("Pipeline run failed: " + p.PipelineName)
	text := fmt.Sprintf("The pipeline run %s failed with reason: %s", p.PipelineName, p.FailureReason)
	issue.Severity = severities[p.Severity]

	run := p.RunID
	if run == unknownRun {
		run = ""
	}
	spec := issuesv1alpha1.IssueReportSpec{Run: deliveryOf(key)}
	if run != "" {
		spec.Run = runOf("PipelineRun", run, run)
	}
	address := p.LogsURL
	if address == "" && run != "" {
		address = logURL(run)
	}
	if gateway.IsWebAddress(address) {
		issue.Links = []issuesv1alpha1.IssueLink{{Title: "Pipeline Run Logs", URL: address, Kind: issuesv1alpha1.LinkLog}}
	} else if address != "" {
		text += ". Logs: " + address
	}
	issue.Description = gateway.Description(text)
	spec.Issue = issue
	return spec
}

// pipelineProblem identifies a pipeline's problem. Names that no resource can have are
// told apart by the key.
func pipelineProblem(name string) issuesv1alpha1.ReportedIssue {
	safe, same := gateway.Segment(name)
	issue := issuesv1alpha1.ReportedIssue{
		Type:  issuesv1alpha1.TypePipeline,
		Scope: issuesv1alpha1.IssueScope{APIGroup: "tekton.dev", Kind: "Pipeline", Name: safe},
	}
	if !same {
		issue.Key = name
	}
	return issue
}
