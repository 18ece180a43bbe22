// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

// summary adds up the members of one group, which come namespace by namespace.
type summary struct {
	key    string
	status issues.IssueGroupStatus
	lead   place
	causes causes
	// trend is there when everything is wanted: description, links and members as well.
	trend   *trend
	members sample

	// namespace is the one whose members come now, and components are those seen
	// there.
	namespace  string
	components map[string]bool
}

func newSummary(key, viewpoint string, trend *trend) *summary {
	return &summary{key: key, causes: newCauses(viewpoint), trend: trend, components: map[string]bool{}}
}

func (s *summary) add(issue *issues.Issue) {
	at := placeOf(issue)
	s.follow(issue, at)
	increment(&s.status.Active, &s.status.Total, issue)
	s.causes.add(issue, at)
	s.count(issue)
	s.see(&issue.Status)
	if s.trend == nil {
		return
	}
	s.members.add(issue, at)
	if issue.Status.State == issues.StateActive {
		s.trend.active(rules.EpisodeOf(issue).OpenedAt)
	}
}

// follow takes the leading member's words over.
func (s *summary) follow(issue *issues.Issue, at place) {
	if s.status.Total > 0 && at.compare(s.lead) > 0 {
		return
	}
	s.lead = at
	s.status.Title, s.status.Severity = issue.Spec.Title, issue.Spec.Severity
	if s.trend != nil {
		s.status.Description, s.status.Links = issue.Spec.Description, issue.Spec.Links
	}
}

func (s *summary) count(issue *issues.Issue) {
	if issue.Namespace != s.namespace {
		s.namespace = issue.Namespace
		s.status.Namespaces++
		clear(s.components)
	}
	if component := issue.Spec.Component; component != "" && !s.components[component] {
		s.components[component] = true
		s.status.Components++
	}
}

func (s *summary) see(status *issues.IssueStatus) {
	if first := status.FirstSeen; first != nil && (s.status.FirstSeen == nil || first.Before(s.status.FirstSeen)) {
		s.status.FirstSeen = first
	}
	if last := status.LastSeen; last != nil && (s.status.LastSeen == nil || s.status.LastSeen.Before(last)) {
		s.status.LastSeen = last
	}
}

// group is what was added up, for those who may read all members.
func (s *summary) group(revision string) issues.IssueGroup {
	out := s.counts(revision)
	status := s.status
	status.State, status.Causes, status.OtherCauses = out.Status.State, out.Status.Causes, out.Status.OtherCauses
	status.Members = s.members.list()
	status.Truncated = s.trend != nil && len(status.Members) < int(status.Total)
	out.Status = status
	return out
}

// counts is what may be told to those who may read one member.
func (s *summary) counts(revision string) issues.IssueGroup {
	out := issues.IssueGroup{ObjectMeta: metav1.ObjectMeta{Name: s.key, ResourceVersion: revision}}
	status := &out.Status
	status.State = issues.StateResolved
	if s.status.Active > 0 {
		status.State = issues.StateActive
	}
	status.Active, status.Total = s.status.Active, s.status.Total
	status.Components, status.Namespaces = s.status.Components, s.status.Namespaces
	status.Causes, status.OtherCauses = s.causes.list()
	return out
}
