// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
)

const (
	separator = "\n--------------------------------\n"

	// mintmakerExpires resolves what MintMaker has not said again for so long: it sends no
	// success for what it says here.
	mintmakerExpires = 48 * time.Hour
)

func (p *mintmakerCustom) check(m *mistakes) {
	m.name("pipelineId", p.PipelineID)
	m.name("type", p.Type)
	if strings.Contains(p.Type, "/") {
		m.add("type", "must not hold a slash")
	}
	if len(p.Type)+len(p.PipelineID) >= maxName {
		m.add("pipelineId", fmt.Sprintf("must, with type, have less than %d bytes", maxName))
	}
}

func (p *mintmakerCustom) scope() (resourceType, name string) {
	return "mintmaker-" + p.Type, p.PipelineID
}

func (p *mintmakerCustom) log() string { return strings.Join(p.Logs, "\n") }

func (p *mintmakerCustom) report(key string, _ func(string) string) issuesv1alpha1.IssueReportSpec {
	issue := pipelineProblem(p.PipelineID)
	issue.Type = issuesv1alpha1.TypeDependency
	issue.Key = strings.TrimSuffix(p.Type+"/"+issue.Key, "/")
	issue.Title = gateway.Title(fmt.Sprintf("Mintmaker %s(%d): %s", p.Type, len(p.Logs), p.PipelineID))
	issue.Description = gateway.Description(strings.Join(p.Logs, separator))
	issue.Severity = p.severity()
	issue.Origin = "mintmaker"
	issue.ExpiresAfter = &metav1.Duration{Duration: mintmakerExpires}
	issue.Links = []issuesv1alpha1.IssueLink{
		{Title: "Mintmaker docs", URL: "https://konflux-ci.dev/docs/mintmaker/user/", Kind: issuesv1alpha1.LinkDocumentation},
		{Title: "Renovate docs", URL: "https://docs.renovatebot.com/configuration-options/", Kind: issuesv1alpha1.LinkDocumentation},
	}
	return issuesv1alpha1.IssueReportSpec{Issue: issue, Run: deliveryOf(key)}
}

func (p *mintmakerCustom) severity() issuesv1alpha1.IssueSeverity {
	switch p.Type {
	case "error":
		return issuesv1alpha1.SeverityMajor
	case "warning":
		return issuesv1alpha1.SeverityMinor
	default:
		return issuesv1alpha1.SeverityInfo
	}
}
