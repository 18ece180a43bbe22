// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
)

func newREST(members ...*issues.Issue) *REST {
	return NewREST(fakeLister{members: members, page: 7}, noHistory{}, clocktesting.NewFakePassiveClock(start))
}

func get(t *testing.T, members ...*issues.Issue) issues.IssueGroupStatus {
	t.Helper()
	obj, err := newREST(members...).Get(t.Context(), "CVE-1", &metav1.GetOptions{})
	require.NoError(t, err)
	group := obj.(*issues.IssueGroup)
	require.Equal(t, "CVE-1", group.Name)
	require.Equal(t, "7", group.ResourceVersion)
	return group.Status
}

func TestLeader(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		members []*issues.Issue
		leader  string
	}{
		"Worst":  {"severity before age", []*issues.Issue{newMember("a", "old", 1), newMember("a", "worst", 2, severity(issues.SeverityCritical))}, "a/worst"},
		"Oldest": {"of the worst", []*issues.Issue{newMember("a", "young", 2), newMember("b", "old", 1)}, "b/old"},
		"Active": {"what is over leads no more", []*issues.Issue{newMember("a", "over", 1, severity(issues.SeverityCritical), resolved()), newMember("b", "active", 2)}, "b/active"},
		"Equal":  {"the same answer each time", []*issues.Issue{newMember("b", "x", 1), newMember("a", "y", 1), newMember("a", "x", 1)}, "a/x"},
		"Over":   {"a group that is over has a title", []*issues.Issue{newMember("a", "x", 1, resolved())}, "a/x"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "title of "+tc.leader, get(t, tc.members...).Title, tc.reason)
		})
	}
}

// TestAgainstCount compares groups of random members with a count by hand.
func TestAgainstCount(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, seed))
		var members []*issues.Issue
		want := map[string]*[2]int32{}
		var active int32
		components, namespaces := map[string]bool{}, map[string]bool{}
		for i := range 1 + random.IntN(60) {
			cause := []string{"", "A", "B", "C"}[random.IntN(4)]
			member := newMember(fmt.Sprint("ns-", random.IntN(5)), fmt.Sprint("i-", i), random.IntN(100), caused(cause))
			member.Spec.Component = []string{"", "x", "y"}[random.IntN(3)]
			if random.IntN(5) == 0 {
				member.Spec.GroupKey = "CVE-2"
				members = append(members, member)
				continue
			}
			if want[cause] == nil {
				want[cause] = &[2]int32{}
			}
			want[cause][1]++
			if random.IntN(2) == 0 {
				resolved()(member)
			} else {
				want[cause][0]++
				active++
			}
			if member.Spec.Component != "" {
				components[member.Namespace+"/"+member.Spec.Component] = true
			}
			namespaces[member.Namespace] = true
			members = append(members, member)
		}
		if len(namespaces) == 0 {
			continue
		}
		status := get(t, members...)
		require.Equal(t, active, status.Active, "seed %d", seed)
		require.Equal(t, active > 0, status.State == issues.StateActive, "seed %d", seed)
		require.Len(t, components, int(status.Components), "seed %d", seed)
		require.Len(t, namespaces, int(status.Namespaces), "seed %d", seed)
		require.Len(t, status.Members, int(status.Total), "seed %d", seed)
		got := map[string]*[2]int32{}
		for _, cause := range status.Causes {
			got[cause.Cause] = &[2]int32{cause.Active, cause.Total}
		}
		if status.OtherCauses != nil {
			got[""] = &[2]int32{status.OtherCauses.Active, status.OtherCauses.Total}
		}
		require.Equal(t, want, got, "seed %d", seed)
	}
}

func TestHelpOfACause(t *testing.T) {
	t.Parallel()
	status := get(
		t,
		newMember("a", "x", 2, caused("A"), link(issues.LinkDocumentation, "https://second")),
		newMember("b", "x", 1, caused("A"), link(issues.LinkLog, "https://log"), link(issues.LinkDocumentation, "https://first")),
		newMember("c", "x", 0, caused("A"), link(issues.LinkLog, "https://log")),
	)
	require.Equal(t, []issues.IssueGroupCause{{Cause: "A", Active: 3, Total: 3, Help: "https://first"}}, status.Causes)
}

// TestManyCauses cannot make a group large.
func TestManyCauses(t *testing.T) {
	t.Parallel()
	var members []*issues.Issue
	for i := range maxDistinctCauses + 50 {
		members = append(members, newMember(fmt.Sprintf("ns-%03d", i/maxCausesOfNamespace), fmt.Sprint("i-", i), i, caused(fmt.Sprint("C", i))))
	}
	status := get(t, members...)
	require.Len(t, status.Causes, maxCauses)
	require.Equal(t, &issues.IssueGroupCount{Active: maxDistinctCauses + 50 - maxCauses, Total: maxDistinctCauses + 50 - maxCauses}, status.OtherCauses)
}

// TestInventedCauses of one namespace do not push out those of others.
func TestInventedCauses(t *testing.T) {
	t.Parallel()
	members := []*issues.Issue{newMember("b", "x", 1, caused("Real")), newMember("b", "y", 1, caused("C0"))}
	for i := range 2 * maxCauses {
		for n := range 3 {
			members = append(members, newMember("a", fmt.Sprintf("i-%03d-%d", i, n), i, caused(fmt.Sprint("C", i))))
		}
	}
	status := get(t, members...)
	require.Len(t, status.Causes, maxCausesOfNamespace+1)
	require.Equal(t, issues.IssueGroupCause{Cause: "C0", Active: 4, Total: 4}, status.Causes[0])
	require.Equal(t, issues.IssueGroupCause{Cause: "Real", Active: 1, Total: 1}, status.Causes[maxCausesOfNamespace])
	require.EqualValues(t, 3*(2*maxCauses-maxCausesOfNamespace), status.OtherCauses.Active, "nothing is lost")
}

// TestMembersAreTakenFairly over namespaces: none can fill a group.
func TestMembersAreTakenFairly(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		sizes  []int
		want   []int
	}{
		"All":       {"they fit", []int{3, 100, 7}, []int{3, 100, 7}},
		"One":       {"no namespace has more than its part", []int{450}, []int{100}},
		"Five":      {"exactly full", []int{100, 100, 100, 100, 100}, []int{100, 100, 100, 100, 100}},
		"Many":      {"small namespaces are listed whole", []int{400, 3, 400, 400, 400, 400, 2}, []int{99, 3, 99, 99, 99, 99, 2}},
		"Remainder": {"no room is left", []int{400, 400, 400, 400, 400, 400}, []int{84, 84, 83, 83, 83, 83}},
		"Late":      {"a flood does not push out who comes after it", append(slices.Repeat([]int{100}, 20), 1, 1), append(slices.Repeat([]int{25}, 18), 24, 24, 1, 1)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var members []*issues.Issue
			for ns, size := range tc.sizes {
				for i := range size {
					members = append(members, newMember(fmt.Sprintf("ns-%02d", ns), fmt.Sprintf("i-%03d", i), -i))
				}
			}
			status := get(t, members...)
			got := make([]int, len(tc.sizes))
			for _, member := range status.Members {
				var ns int
				_, err := fmt.Sscanf(member.Namespace, "ns-%02d", &ns)
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("i-%03d", tc.sizes[ns]-1-got[ns]), member.Name, "the first in order")
				got[ns]++
			}
			require.Equal(t, tc.want, got, tc.reason)
			require.LessOrEqual(t, len(status.Members), maxMembers)
			require.Equal(t, len(status.Members) < len(members), status.Truncated)
			require.EqualValues(t, len(members), status.Active, "counts are of all members")
		})
	}
}

// TestSampleIsBounded while members come, whatever their number.
func TestSampleIsBounded(t *testing.T) {
	t.Parallel()
	var s sample
	for ns := range 3000 {
		for i := range 120 {
			member := newMember(fmt.Sprint("ns-", ns), fmt.Sprint("i-", i), i)
			s.add(member, placeOf(member))
		}
		kept := 0
		for _, n := range s.namespaces {
			kept += len(n.members)
		}
		require.LessOrEqual(t, kept, maxMembers+maxOfNamespace+len(s.namespaces))
	}
	require.Len(t, s.list(), maxMembers)
}

func TestMember(t *testing.T) {
	t.Parallel()
	opened := metav1.NewMicroTime(start)
	member := newMember("a", "x", 9, link(issues.LinkRun, "https://run"), link(issues.LinkLog, "https://log"))
	member.Status.Transitions = []issues.IssueTransition{
		{Time: metav1.NewMicroTime(start.Add(5)), From: issues.StateActive, To: issues.StateActive, Reason: "OtherCause"},
		{Time: opened, From: issues.StateResolved, To: issues.StateActive},
	}
	got := memberOf(member)
	require.Equal(t, opened, *got.Since, "another cause is no other beginning")
	require.Equal(t, "https://log", got.Log)

	bare := newMember("a", "x", 9)
	bare.Status.Runs = []issues.IssueRun{{Outcome: issues.OutcomeSucceeded, URL: "https://green"}, {Outcome: issues.OutcomeFailed, URL: "https://red"}}
	require.Equal(t, "https://red", memberOf(bare).Log)
	require.Equal(t, bare.Status.FirstSeen, memberOf(bare).Since)
}

// TestChunks: every group once and whole, whatever the size of a chunk.
func TestChunks(t *testing.T) {
	t.Parallel()
	var members []*issues.Issue
	for i := range 90 {
		member := newMember(fmt.Sprint("ns-", i%7), fmt.Sprint("i-", i), i)
		member.Spec.GroupKey = fmt.Sprintf("G-%02d", (i*37)%30)
		members = append(members, member)
	}
	rest := newREST(members...)
	for limit := int64(1); limit <= 31; limit++ {
		options := &metainternalversion.ListOptions{Limit: limit}
		var seen []string
		for {
			obj, err := rest.List(t.Context(), options)
			require.NoError(t, err)
			list := obj.(*issues.IssueGroupList)
			for _, group := range list.Items {
				require.EqualValues(t, 3, group.Status.Total, "%s in chunks of %d", group.Name, limit)
				seen = append(seen, group.Name)
			}
			if list.Continue == "" {
				break
			}
			require.Len(t, list.Items, int(limit))
			options.Continue = list.Continue
		}
		require.Len(t, seen, 30, "chunks of %d", limit)
		require.True(t, slices.IsSorted(seen))
	}
}

// TestTooManyGroups for one answer are refused, not cut.
func TestTooManyGroups(t *testing.T) {
	t.Parallel()
	p := page{limit: maxGroups}
	for i := range maxGroups + 1 {
		member := newMember("a", "x", 0)
		member.Spec.GroupKey = fmt.Sprintf("G-%06d", i)
		p.add(member)
	}
	require.True(t, p.more)
	require.Len(t, p.groups, maxGroups)
}
