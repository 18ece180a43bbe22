// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"cmp"
	"slices"

	"kite.dev/kite/pkg/apis/issues"
)

const (
	// maxCauses is how many causes a group lists.
	maxCauses = 100
	// maxDistinctCauses bounds the causes that are told apart while members are read:
	// anybody may invent causes.
	maxDistinctCauses = 1000
	// maxCausesOfNamespace is how many of them one namespace may bring, so that none can
	// fill the list.
	maxCausesOfNamespace = 20
)

// causes counts members by cause.
type causes struct {
	// viewpoint restricts what is told to what a namespace's own issues say: causes
	// that occur there, and help that they link to. Empty tells all.
	viewpoint string
	counts    map[string]*causeCount
	other     issues.IssueGroupCount
	// namespace is the one whose members come now, and brought how many causes came
	// with it.
	namespace string
	brought   int
}

type causeCount struct {
	issues.IssueGroupCause
	visible bool
	// helpFrom is the place of the member whose help is given.
	helpFrom place
}

func newCauses(viewpoint string) causes {
	return causes{viewpoint: viewpoint, counts: map[string]*causeCount{}}
}

func (c *causes) add(issue *issues.Issue, at place) {
	count := c.countOf(issue)
	if count == nil {
		increment(&c.other.Active, &c.other.Total, issue)
		return
	}
	increment(&count.Active, &count.Total, issue)
	if c.viewpoint != "" && c.viewpoint != issue.Namespace {
		return
	}
	count.visible = true
	if help := firstLink(issue, issues.LinkDocumentation); help != "" && (count.Help == "" || at.compare(count.helpFrom) < 0) {
		count.Help, count.helpFrom = help, at
	}
}

// countOf is the count of an issue's cause, nil when it is one of the others.
func (c *causes) countOf(issue *issues.Issue) *causeCount {
	if issue.Namespace != c.namespace {
		c.namespace, c.brought = issue.Namespace, 0
	}
	cause := issue.Spec.Cause
	count, ok := c.counts[cause]
	if ok || cause == "" || len(c.counts) >= maxDistinctCauses || c.brought >= maxCausesOfNamespace {
		return count
	}
	c.brought++
	count = &causeCount{IssueGroupCause: issues.IssueGroupCause{Cause: cause}}
	c.counts[cause] = count
	return count
}

// list returns the causes with the most Active members, and the count of the others,
// nil when there are none.
func (c *causes) list() ([]issues.IssueGroupCause, *issues.IssueGroupCount) {
	var out []issues.IssueGroupCause
	other := c.other
	for _, count := range c.counts {
		if !count.visible {
			other.Active, other.Total = other.Active+count.Active, other.Total+count.Total
			continue
		}
		out = append(out, count.IssueGroupCause)
	}
	slices.SortFunc(out, func(a, b issues.IssueGroupCause) int {
		return cmp.Or(cmp.Compare(b.Active, a.Active), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cause, b.Cause))
	})
	for len(out) > maxCauses {
		last := out[len(out)-1]
		other.Active, other.Total = other.Active+last.Active, other.Total+last.Total
		out = out[:len(out)-1]
	}
	if other.Total == 0 {
		return out, nil
	}
	return out, &other
}

func increment(active, total *int32, issue *issues.Issue) {
	*total++
	if issue.Status.State == issues.StateActive {
		*active++
	}
}

func firstLink(issue *issues.Issue, kind issues.IssueLinkKind) string {
	for i := range issue.Spec.Links {
		if issue.Spec.Links[i].Kind == kind {
			return issue.Spec.Links[i].URL
		}
	}
	return ""
}
