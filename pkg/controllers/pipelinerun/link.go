// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"fmt"
	"net/url"
	"regexp"

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

// logURL is where a run's log can be read, as the run says or the operator.
func (c *Config) logURL(run *tektonv1.PipelineRun) string {
	if address := webAddress(pac(run, pacLogURL)); address != "" {
		return address
	}
	complete := true
	address := placeholder.ReplaceAllStringFunc(c.LogURL, func(name string) string {
		value := placeholders[name](run)
		complete = complete && value != ""
		return value
	})
	if !complete {
		return "" // of a run without application there is no page below an application's
	}
	return webAddress(address)
}

// placeholders are what LogURL may name. None has a character that an address would have
// to escape: they are names of objects and values of labels.
var placeholders = map[string]func(*tektonv1.PipelineRun) string{
	"{namespace}":   func(run *tektonv1.PipelineRun) string { return run.Namespace },
	"{name}":        func(run *tektonv1.PipelineRun) string { return run.Name },
	"{uid}":         func(run *tektonv1.PipelineRun) string { return string(run.UID) },
	"{application}": func(run *tektonv1.PipelineRun) string { return run.Labels[labelApplication] },
	"{component}":   func(run *tektonv1.PipelineRun) string { return run.Labels[labelComponent] },
}

var placeholder = regexp.MustCompile(`\{(?:namespace|name|uid|application|component)\}`)

// CheckLogURL says what is wrong with a Config's LogURL.
func CheckLogURL(template string) error {
	if template == "" {
		return nil
	}
	address := placeholder.ReplaceAllString(template, "x")
	if wrong := braces.FindString(address); wrong != "" {
		return fmt.Errorf("%q is none of {namespace}, {name}, {uid}, {application}, {component}", wrong)
	}
	if webAddress(address) == "" {
		return fmt.Errorf("%q is no absolute http or https URL of at most %d bytes", template, maxURL)
	}
	return nil
}

var braces = regexp.MustCompile(`\{[^}]*\}?|\}`)

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
