// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

const (
	// maxMembers is how many members a group lists.
	maxMembers = 500
	// maxOfNamespace is how many of them may be of one namespace.
	maxOfNamespace = 100
)

// sample keeps the members that a group lists. Where not all fit, every namespace gets
// the same share, and what a small one leaves goes to the others: with 100, 100 and 450
// namespaces of one member, the first two get 25 each.
//
// Members come namespace by namespace, so the share is known to shrink only, and no more
// than about maxMembers and one namespace's are ever kept.
type sample struct {
	namespaces []*namespaceSample
}

// namespaceSample holds a namespace's first members, in order.
type namespaceSample struct {
	name    string
	members []placedMember
}

type placedMember struct {
	place
	issues.IssueGroupMember
}

func (s *sample) add(issue *issues.Issue, at place) {
	if n := len(s.namespaces); n == 0 || s.namespaces[n-1].name != issue.Namespace {
		s.shrink()
		s.namespaces = append(s.namespaces, &namespaceSample{name: issue.Namespace})
	}
	s.namespaces[len(s.namespaces)-1].add(issue, at)
}

func (n *namespaceSample) add(issue *issues.Issue, at place) {
	i, _ := slices.BinarySearchFunc(n.members, at, func(m placedMember, at place) int { return m.compare(at) })
	if i == maxOfNamespace {
		return
	}
	n.members = slices.Insert(n.members, i, placedMember{at, memberOf(issue)})
	n.members = n.members[:min(len(n.members), maxOfNamespace)]
}

// shrink cuts every namespace to its share and, since some get one more, one.
func (s *sample) shrink() {
	share, _ := s.share()
	for _, n := range s.namespaces {
		n.members = n.members[:min(len(n.members), share+1)]
	}
}

// share is how many members each namespace may list, and how many namespaces that have
// more may list one more.
func (s *sample) share() (share, more int) {
	sizes := make([]int, 0, len(s.namespaces))
	for _, n := range s.namespaces {
		sizes = append(sizes, len(n.members))
	}
	slices.Sort(sizes)
	room := maxMembers
	for i, size := range sizes {
		left := len(sizes) - i
		if size*left > room {
			return room / left, room % left
		}
		room -= size
	}
	return maxOfNamespace, 0
}

// list returns the members by namespace.
func (s *sample) list() []issues.IssueGroupMember {
	share, more := s.share()
	slices.SortFunc(s.namespaces, func(a, b *namespaceSample) int { return cmp.Compare(a.name, b.name) })
	var out []issues.IssueGroupMember
	for _, n := range s.namespaces {
		size := min(len(n.members), share)
		if len(n.members) > share && more > 0 {
			size, more = size+1, more-1
		}
		for i := range size {
			out = append(out, n.members[i].IssueGroupMember)
		}
	}
	return out
}

func memberOf(issue *issues.Issue) issues.IssueGroupMember {
	since := metav1.NewMicroTime(rules.EpisodeOf(issue).OpenedAt)
	return issues.IssueGroupMember{
		Namespace:  issue.Namespace,
		Name:       issue.Name,
		Component:  issue.Spec.Component,
		State:      issue.Status.State,
		Severity:   issue.Spec.Severity,
		Cause:      issue.Spec.Cause,
		Since:      &since,
		ResolvedAt: issue.Status.ResolvedAt,
		Log:        logOf(issue),
	}
}

// logOf is where the newest failure can be read.
func logOf(issue *issues.Issue) string {
	for _, kind := range []issues.IssueLinkKind{issues.LinkLog, issues.LinkRun} {
		if address := firstLink(issue, kind); address != "" {
			return address
		}
	}
	for i := range issue.Status.Runs {
		if run := &issue.Status.Runs[i]; run.Outcome == issues.OutcomeFailed {
			return run.URL
		}
	}
	return ""
}
