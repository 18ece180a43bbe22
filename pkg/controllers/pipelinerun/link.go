// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"net/url"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// linksOf leads to the run's log and to the change that it ran for, where that is known.
func (c *Config) linksOf(run *tektonv1.PipelineRun) []issuesv1alpha1.IssueLink {
	var links []issuesv1alpha1.IssueLink
	if address := c.logURL(run); address != "" {
		links = append(links, issuesv1alpha1.IssueLink{
			Title: "Log of PipelineRun " + run.Name, URL: address, Kind: issuesv1alpha1.LinkLog,
		})
	}
	if address := webAddress(pac(run, pacSHAURL)); address != "" {
		links = append(links, issuesv1alpha1.IssueLink{
			Title: "Commit", URL: address, Kind: issuesv1alpha1.LinkOther,
		})
	}
	return links
}

// webAddress returns an address that the API takes, or nothing: a bad link must
// not cost the report.
func webAddress(address string) string {
	if address == "" || len(address) > maxURL {
		return ""
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return ""
	}
	return address
}
