// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package rule

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// MaxText is how much of a log is looked at: its end.
	MaxText = 64 << 10
	// maxLine is how much of a line is looked at.
	maxLine = 8 << 10
)

// Evidence is what is known of a failure.
type Evidence struct {
	// Type is the issue's.
	Type  string
	Title string
	// Severity is the issue's where no rule says otherwise.
	Severity issuesv1alpha1.IssueSeverity
	// Labels are the run's labels and annotations.
	Labels map[string]string
	// Log is the end of the failed step's log.
	Log string
}

// Finding is what the rules say of a failure. Fields are empty where no rule applies, but
// for Severity, which then is the evidence's.
type Finding struct {
	GroupKey string
	// Title is to be put before the issue's.
	Title    string
	Severity issuesv1alpha1.IssueSeverity
	Cause    string
	Origin   string
	// Links lead to what the group is about, and to help with the cause.
	Links []issuesv1alpha1.IssueLink
}

type condition struct {
	match *regexp.Regexp
	in    []configv1alpha1.RuleSource
	types []string
}

type groupRule struct {
	condition

	key      string
	severity issuesv1alpha1.IssueSeverity
	title    string
	link     *configv1alpha1.RuleLink
}

type causeRule struct {
	condition

	cause string
	help  *configv1alpha1.RuleLink
}

type severityRule struct {
	condition

	severity issuesv1alpha1.IssueSeverity
}

type originRule struct {
	condition

	origin string
}

// Set is rules that are ready for use.
type Set struct {
	groups     []groupRule
	causes     []causeRule
	severities []severityRule
	origins    []originRule
}

// Examine applies of each list the first rule that matches.
func (s *Set) Examine(e Evidence) Finding {
	lines := linesOf(e)
	out := Finding{Severity: e.Severity}
	s.findSeverity(e.Type, lines, &out)
	s.findOrigin(e.Type, lines, &out)
	s.findGroup(e.Type, lines, &out)
	s.findCause(e.Type, lines, &out)
	return out
}

func (s *Set) findSeverity(kind string, lines map[configv1alpha1.RuleSource][]string, out *Finding) {
	for i := range s.severities {
		if line, _ := s.severities[i].find(kind, lines); line != "" {
			out.Severity = s.severities[i].severity
			return
		}
	}
}

func (s *Set) findOrigin(kind string, lines map[configv1alpha1.RuleSource][]string, out *Finding) {
	for i := range s.origins {
		if line, _ := s.origins[i].find(kind, lines); line != "" {
			out.Origin = s.origins[i].origin
			return
		}
	}
}

func (s *Set) findGroup(kind string, lines map[configv1alpha1.RuleSource][]string, out *Finding) {
	for i := range s.groups {
		rule := &s.groups[i]
		key := rule.keyIn(kind, lines)
		if key == "" {
			continue
		}
		out.GroupKey = key
		out.Severity = worse(out.Severity, rule.severity)
		out.Title = insert(rule.title, key)
		out.Links = append(out.Links, links(rule.link, issuesv1alpha1.LinkVulnerability, key)...)
		return
	}
}

func (s *Set) findCause(kind string, lines map[configv1alpha1.RuleSource][]string, out *Finding) {
	for i := range s.causes {
		rule := &s.causes[i]
		if line, _ := rule.find(kind, lines); line == "" {
			continue
		}
		out.Cause = rule.cause
		out.Links = append(out.Links, links(rule.help, issuesv1alpha1.LinkDocumentation, out.GroupKey)...)
		return
	}
}

// keyIn is the key of the rule's group, empty when it does not match or what it makes is
// no key.
func (r *groupRule) keyIn(kind string, lines map[configv1alpha1.RuleSource][]string) string {
	line, match := r.find(kind, lines)
	if line == "" {
		return ""
	}
	key := string(r.match.ExpandString(nil, r.key, line, match))
	if len(key) > maxKey || !keyPattern.MatchString(key) {
		return ""
	}
	return key
}

// find returns the line that matches, and where. Sources are looked at in the rule's
// order, and each from its end: what stands last in a log is nearest to the failure.
func (c *condition) find(kind string, lines map[configv1alpha1.RuleSource][]string) (string, []int) {
	if len(c.types) > 0 && !slices.Contains(c.types, kind) {
		return "", nil
	}
	for _, from := range c.in {
		for _, line := range slices.Backward(lines[from]) {
			if match := c.match.FindStringSubmatchIndex(line); match != nil {
				return line, match
			}
		}
	}
	return "", nil
}

func linesOf(e Evidence) map[configv1alpha1.RuleSource][]string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		labels = append(labels, name+"="+e.Labels[name])
	}
	log := e.Log[max(0, len(e.Log)-MaxText):]
	return map[configv1alpha1.RuleSource][]string{
		configv1alpha1.RuleSourceLabels: cut(labels),
		configv1alpha1.RuleSourceTitle:  cut([]string{e.Title}),
		configv1alpha1.RuleSourceLog:    cut(strings.Split(log, "\n")),
	}
}

func cut(lines []string) []string {
	for i := range lines {
		lines[i] = lines[i][:min(len(lines[i]), maxLine)]
	}
	return lines
}

func links(link *configv1alpha1.RuleLink, kind issuesv1alpha1.IssueLinkKind, key string) []issuesv1alpha1.IssueLink {
	if link == nil {
		return nil
	}
	return []issuesv1alpha1.IssueLink{{Title: insert(link.Title, key), URL: insert(link.URL, key), Kind: kind}}
}

// worst are the severities, the worst first.
var worst = []issuesv1alpha1.IssueSeverity{
	issuesv1alpha1.SeverityCritical, issuesv1alpha1.SeverityMajor, issuesv1alpha1.SeverityMinor, issuesv1alpha1.SeverityInfo,
}

func worse(a, b issuesv1alpha1.IssueSeverity) issuesv1alpha1.IssueSeverity {
	for _, severity := range worst {
		if severity == a || severity == b {
			return severity
		}
	}
	return a
}

func insert(text, key string) string { return strings.ReplaceAll(text, "{groupKey}", key) }
