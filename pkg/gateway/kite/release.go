// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"cmp"
	"fmt"
	"regexp"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
)

// word is what the API takes for an application's name.
var word = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

func (p *releaseSuccess) check(m *mistakes) { m.name("application", p.Application) }

func (p *releaseSuccess) subject() string { return "application " + p.Application }

func (p *releaseSuccess) report(key string, _ func(string) string) issuesv1alpha1.IssueReportSpec {
	return issuesv1alpha1.IssueReportSpec{Issue: releaseProblem(p.Application), Run: deliveryOf(key)}
}

func (p *releaseFailure) check(m *mistakes) {
	m.name("application", p.Application)
	m.require("failurePhase", p.FailurePhase)
	m.name("release", p.Release)
}

func (p *releaseFailure) scope() (resourceType, name string) { return "application", p.Application }

func (p *releaseFailure) log() string { return p.FailurePhase }

func (p *releaseFailure) report(key string, _ func(string) string) issuesv1alpha1.IssueReportSpec {
	issue := releaseProblem(p.Application)
	issue.Title = gateway.Title(fmt.Sprintf("Release %s failed for application %s", p.Release, p.Application))
	text := "The release failed in phase: " + p.FailurePhase
	if p.PipelineRunURL != "" {
		text += ". Link to logs: " + p.PipelineRunURL
	}
	issue.Description = gateway.Description(text)
	issue.Severity = issuesv1alpha1.SeverityMajor
	identity := cmp.Or(key, hash(p.Release+"\x00"+p.FailurePhase+"\x00"+p.PipelineRunURL))
	spec := issuesv1alpha1.IssueReportSpec{Issue: issue, Run: runOf("Release", p.Release, identity)}
	if gateway.IsWebAddress(p.PipelineRunURL) {
		spec.Run.URL = p.PipelineRunURL
		spec.Issue.Links = []issuesv1alpha1.IssueLink{{Title: "Release pipeline run", URL: p.PipelineRunURL, Kind: issuesv1alpha1.LinkRun}}
	}
	return spec
}

// releaseProblem identifies the releases of an application. KITE's success names no
// release, so that they are one problem.
func releaseProblem(application string) issuesv1alpha1.ReportedIssue {
	safe, same := gateway.Segment(application)
	issue := issuesv1alpha1.ReportedIssue{
		Type:  issuesv1alpha1.TypeRelease,
		Scope: issuesv1alpha1.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Application", Name: safe},
		Stage: issuesv1alpha1.StageRelease,
	}
	if !same {
		issue.Key = application
	}
	if word.MatchString(application) {
		issue.Application = application
	}
	return issue
}
