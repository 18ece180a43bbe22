// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const cve = "CVE-2024-1234"

// outage is a component that a vulnerability's update failed for.
type outage struct {
	namespace, component, cause string
}

// outages are the seed's case: 15 components in 6 namespaces, and why they failed.
func outages() []outage {
	var out []outage
	for i, cause := range slices.Concat(
		slices.Repeat([]string{"TokenExpired"}, 4), slices.Repeat([]string{"RegistryAuthFailed"}, 7),
		slices.Repeat([]string{"DependencyConflict"}, 3), []string{"AppNotInstalled"},
	) {
		out = append(out, outage{fmt.Sprint("team-", i%6), fmt.Sprint("component-", i), cause})
	}
	return out
}

func (o outage) report(outcome v1alpha1.Outcome, seconds int) *v1alpha1.IssueReport {
	return newReport(outcome, seconds, func(spec *v1alpha1.IssueReportSpec) {
		spec.Issue = v1alpha1.ReportedIssue{
			Title:       "Update of " + o.component + " fails",
			Description: "secret of " + o.namespace,
			Type:        v1alpha1.TypeDependency,
			Severity:    v1alpha1.SeverityCritical,
			Scope:       v1alpha1.IssueScope{Kind: "Component", Name: o.component},
			Component:   o.component,
			GroupKey:    cve,
			Cause:       o.cause,
			Links: []v1alpha1.IssueLink{
				{Title: "log", URL: "https://logs.example.com/" + o.component, Kind: v1alpha1.LinkLog},
				{Title: "help", URL: "https://help.example.com/" + o.cause, Kind: v1alpha1.LinkDocumentation},
			},
		}
	})
}

func reportIn(t testing.TB, cfg *rest.Config, ns string, report *v1alpha1.IssueReport) v1alpha1.IssueReportStatus {
	t.Helper()
	answer, err := Client(t, cfg).IssuesV1alpha1().IssueReports(ns).Create(t.Context(), report, metav1.CreateOptions{})
	require.NoError(t, err)
	return answer.Status
}

func getGroup(t testing.TB, cfg *rest.Config, key string) *v1alpha1.IssueGroup {
	t.Helper()
	group, err := Client(t, cfg).IssuesV1alpha1().IssueGroups().Get(t.Context(), key, metav1.GetOptions{})
	require.NoError(t, err)
	return group
}

// causesOf is what a group counts: Active and all members of each cause.
func causesOf(group *v1alpha1.IssueGroup) map[string][2]int32 {
	out := map[string][2]int32{}
	for _, cause := range group.Status.Causes {
		out[cause.Cause] = [2]int32{cause.Active, cause.Total}
	}
	return out
}

// TestVulnerabilityInManyNamespaces is the case that the project began with.
func TestVulnerabilityInManyNamespaces(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	all := outages()
	for i, o := range all {
		require.Equal(t, v1alpha1.ResultCreated, reportIn(t, cfg, o.namespace, o.report(v1alpha1.OutcomeFailed, i)).Result)
	}

	group := getGroup(t, cfg, cve)
	status := group.Status
	require.Equal(t, v1alpha1.StateActive, status.State)
	require.Equal(t, v1alpha1.SeverityCritical, status.Severity)
	require.Equal(t, "Update of component-0 fails", status.Title, "the oldest of the worst")
	require.Equal(t, "https://logs.example.com/component-0", status.Links[0].URL)
	require.Equal(t, []int32{15, 15, 15, 6}, []int32{status.Active, status.Total, status.Components, status.Namespaces})
	require.Equal(t, map[string][2]int32{
		"TokenExpired": {4, 4}, "RegistryAuthFailed": {7, 7}, "DependencyConflict": {3, 3}, "AppNotInstalled": {1, 1},
	}, causesOf(group))
	for _, cause := range status.Causes {
		require.Equal(t, "https://help.example.com/"+cause.Cause, cause.Help)
	}
	require.Equal(t, "RegistryAuthFailed", status.Causes[0].Cause, "what concerns most comes first")
	require.Len(t, status.Members, 15)
	require.False(t, status.Truncated)
	require.Equal(t, observed.UTC(), status.FirstSeen.UTC())
	require.EqualValues(t, 15, status.ActivePerDay[len(status.ActivePerDay)-1].Active)
	for _, member := range status.Members {
		require.Equal(t, "https://logs.example.com/"+member.Component, member.Log)
		require.NotNil(t, member.Since)
		require.Nil(t, member.ResolvedAt)
	}

	// Another cause is no other member.
	changed := all[0]
	changed.cause = "RegistryAuthFailed"
	require.Equal(t, v1alpha1.ResultUpdated, reportIn(t, cfg, changed.namespace, changed.report(v1alpha1.OutcomeFailed, 100)).Result)
	group = getGroup(t, cfg, cve)
	require.Equal(t, []int32{15, 15}, []int32{group.Status.Active, group.Status.Total})
	require.Equal(t, [2]int32{3, 3}, causesOf(group)["TokenExpired"])
	require.Equal(t, [2]int32{8, 8}, causesOf(group)["RegistryAuthFailed"])

	for i, o := range all {
		reportIn(t, cfg, o.namespace, o.report(v1alpha1.OutcomeSucceeded, 200+i))
		group = getGroup(t, cfg, cve)
		require.EqualValues(t, 14-i, group.Status.Active, "it shrinks as members recover")
		require.EqualValues(t, 15, group.Status.Total)
	}
	require.Equal(t, v1alpha1.StateResolved, group.Status.State)
	require.Equal(t, [2]int32{0, 8}, causesOf(group)["RegistryAuthFailed"])
}

// TestActivePerDay counts what is over as well, also when its issue is gone.
func TestActivePerDay(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	const hours = 3600
	start := func(days int) int { return -days * 24 * hours }
	for component, days := range map[string][2]int{"kept": {10, 5}, "gone": {8, 3}, "active": {6, 0}, "other": {9, 4}} {
		o := outage{namespace, component, "Broken"}
		failed, recovered := o.report(v1alpha1.OutcomeFailed, start(days[0])), o.report(v1alpha1.OutcomeSucceeded, start(days[1]))
		if component == "other" {
			failed.Spec.Issue.GroupKey = "another"
		}
		name := reportIn(t, cfg, namespace, failed).Issues[0].Name
		if days[1] > 0 {
			require.Equal(t, v1alpha1.ResultResolved, reportIn(t, cfg, namespace, recovered).Result)
		}
		if component == "gone" {
			require.NoError(t, Client(t, cfg).IssuesV1alpha1().Issues(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}))
		}
	}
	group := getGroup(t, cfg, cve)
	require.EqualValues(t, 2, group.Status.Total)
	got := map[string]int32{}
	for _, day := range group.Status.ActivePerDay {
		got[day.Day] = day.Active
	}
	require.Len(t, got, 90)
	for ago, want := range map[int]int32{89: 0, 11: 0, 10: 1, 9: 1, 8: 2, 7: 2, 6: 3, 5: 2, 4: 2, 3: 1, 1: 1, 0: 1} {
		day := observed.UTC().AddDate(0, 0, -ago).Format(time.DateOnly)
		require.Equal(t, want, got[day], "%d days ago, %s", ago, day)
	}
}

// ofNamespace allows reading the issues of one namespace, and nothing else.
func ofNamespace(ns string) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		trusted := a.GetUser().GetName() == "system:apiserver"
		if trusted || a.IsReadOnly() && a.GetNamespace() == ns && a.GetResource() == "issues" {
			return authorizer.DecisionAllow, "", nil
		}
		return authorizer.DecisionNoOpinion, "", nil
	})
}

// TestMembersSeeCountsOnly of their group: nothing that another namespace's issues say,
// not even that namespace's name.
func TestMembersSeeCountsOnly(t *testing.T) {
	t.Parallel()
	const own = "team-0"
	cfg := StartServer(t, WithAuthorizer(ofNamespace(own)))
	names := map[string]string{}
	for i, o := range outages() {
		names[o.namespace] = reportIn(t, cfg, o.namespace, o.report(v1alpha1.OutcomeFailed, i)).Issues[0].Name
	}
	member := As(cfg, "member")
	issues := Client(t, member).IssuesV1alpha1().Issues(own)
	raw, err := Client(t, member).IssuesV1alpha1().RESTClient().Get().Namespace(own).Resource("issues").
		Name(names[own]).SubResource("group").Do(t.Context()).Raw()
	require.NoError(t, err)
	for _, secret := range []string{"team-", "component-", "secret", "logs.example", "Update of", "AppNotInstalled", "observed"} {
		require.NotContains(t, string(raw), secret)
	}
	group, err := issues.GetGroup(t.Context(), names[own], metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, cve, group.Name)
	require.Equal(t, v1alpha1.IssueGroupStatus{
		State: v1alpha1.StateActive, Active: 15, Total: 15, Components: 15, Namespaces: 6,
		Causes: []v1alpha1.IssueGroupCause{
			{Cause: "RegistryAuthFailed", Active: 7, Total: 7, Help: "https://help.example.com/RegistryAuthFailed"},
			{Cause: "TokenExpired", Active: 4, Total: 4, Help: "https://help.example.com/TokenExpired"},
			{Cause: "DependencyConflict", Active: 3, Total: 3, Help: "https://help.example.com/DependencyConflict"},
		},
		OtherCauses: &v1alpha1.IssueGroupCount{Active: 1, Total: 1},
	}, group.Status)

	_, err = Client(t, member).IssuesV1alpha1().Issues("team-1").GetGroup(t.Context(), names["team-1"], metav1.GetOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = Client(t, member).IssuesV1alpha1().IssueGroups().Get(t.Context(), cve, metav1.GetOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)

	alone := reportIn(t, cfg, own, failed(1)).Issues[0].Name
	_, err = issues.GetGroup(t.Context(), alone, metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "an issue without a group: %v", err)
	_, err = issues.GetGroup(t.Context(), "nothing", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

// tableOf reads a path of the group as a table, as kubectl does.
func tableOf(t *testing.T, cfg *rest.Config, path string) *metav1.Table {
	t.Helper()
	content, err := Client(t, cfg).IssuesV1alpha1().RESTClient().Get().AbsPath("/apis/issues.kite.dev/v1alpha1/"+path).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	require.NoError(t, err)
	table := &metav1.Table{}
	require.NoError(t, json.Unmarshal(content, table))
	return table
}

// TestGroupAsCSV exports a group from its table: a line for each member.
func TestGroupAsCSV(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	for i, o := range outages() {
		reportIn(t, cfg, o.namespace, o.report(v1alpha1.OutcomeFailed, i))
	}
	table := tableOf(t, cfg, "issuegroups/"+cve)
	var out bytes.Buffer
	lines := csv.NewWriter(&out)
	var header []string
	for _, column := range table.ColumnDefinitions {
		header = append(header, column.Name)
	}
	require.NoError(t, lines.Write(header))
	for _, row := range table.Rows {
		var line []string
		for _, cell := range row.Cells {
			line = append(line, fmt.Sprint(cell))
		}
		require.NoError(t, lines.Write(line))
	}
	lines.Flush()
	text := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, text, 16)
	require.Equal(t, "Namespace,Name,Component,State,Severity,Cause,Since,Resolved,Log", text[0])
	first := strings.Split(text[1], ",")
	require.Equal(t, []string{"team-0", "component-0", "Active", "critical", "TokenExpired"}, slices.Delete(first[:6:6], 1, 2))
	require.Equal(t, "https://logs.example.com/component-0", first[8])
	require.NotContains(t, out.String(), `"`, "no cell needs quotes")

	var object metav1.PartialObjectMetadata
	require.NoError(t, json.Unmarshal(table.Rows[0].Object.Raw, &object))
	require.Equal(t, "team-0", object.Namespace)

	groups := tableOf(t, cfg, "issuegroups")
	require.Len(t, groups.Rows, 1)
	require.Equal(t, []any{cve, "critical", "Active"}, groups.Rows[0].Cells[:3])
	require.EqualValues(t, 15, groups.Rows[0].Cells[3])
}

// TestListGroups in chunks, all of which are of the first one's revision.
func TestListGroups(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	const groups = 7
	key := func(g int) string { return fmt.Sprintf("Group_%d", g) }
	for n := range 3 * groups {
		o := outage{fmt.Sprint("team-", n%4), fmt.Sprint("component-", n), "Broken"}
		r := o.report(v1alpha1.OutcomeFailed, n)
		r.Spec.Issue.GroupKey = key(n % groups)
		if n%groups == 0 {
			r.Spec.Issue.Severity = v1alpha1.SeverityMinor
		}
		reportIn(t, cfg, o.namespace, r)
	}
	reportIn(t, cfg, namespace, failed(1))
	client := Client(t, cfg).IssuesV1alpha1().IssueGroups()
	options := metav1.ListOptions{Limit: 3}
	var seen []string
	for page := 0; ; page++ {
		list, err := client.List(t.Context(), options)
		require.NoError(t, err)
		for _, group := range list.Items {
			seen = append(seen, group.Name)
			require.EqualValues(t, 3, group.Status.Active)
			require.Empty(t, group.Status.Members)
			require.Empty(t, group.Status.Description)
			require.Equal(t, list.ResourceVersion, group.ResourceVersion)
		}
		if page == 0 {
			_, err := Client(t, cfg).IssuesV1alpha1().IssueGroupReports().Create(t.Context(), groupReport(key(6), 1000), metav1.CreateOptions{})
			require.NoError(t, err)
		}
		if list.Continue == "" {
			break
		}
		options.Continue = list.Continue
	}
	var want []string
	for g := range groups {
		want = append(want, key(g))
	}
	require.Equal(t, want, seen)

	for selector, want := range map[string]int{
		"metadata.name=" + key(2): 1, "metadata.name=none": 0, "status.state=Active": groups - 1,
		"status.state=Resolved": 1, "status.severity=minor": 1, "status.state!=Active,status.severity=critical": 1,
	} {
		list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: selector})
		require.NoError(t, err)
		require.Len(t, list.Items, want, selector)
	}
	_, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.groupKey=x"})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	_, err = client.List(t.Context(), metav1.ListOptions{Continue: "x"})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	_, err = client.Get(t.Context(), "none", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
}

func groupReport(key string, seconds int) *v1alpha1.IssueGroupReport {
	at := succeeded(seconds).Spec.ObservedAt
	return &v1alpha1.IssueGroupReport{Spec: v1alpha1.IssueGroupReportSpec{
		GroupKey: key, Outcome: v1alpha1.OutcomeSucceeded, ObservedAt: at, Reason: "LibraryFixed",
	}}
}

// withoutStatus allows everything but changing issues/status, which lets a reporter
// resolve what others reported in one namespace.
var withoutStatus = authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetSubresource() == "status" {
		return authorizer.DecisionNoOpinion, "", nil
	}
	return authorizer.DecisionAllow, "", nil
})

// TestSharedLibrary: one report resolves what a library broke in every namespace, whoever
// reported it, and those who watch their own namespace see it.
func TestSharedLibrary(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithAuthorizer(withoutStatus))
	client := Client(t, cfg).IssuesV1alpha1()
	teams := []string{"team-0", "team-1", "team-2"}
	names := map[string]string{}
	for i, team := range teams {
		r := outage{team, "frontend", "TypeError"}.report(v1alpha1.OutcomeFailed, i)
		r.Spec.Issue.GroupKey = "shared-library-v2.1"
		names[team] = reportIn(t, As(cfg, "producer-of-"+team), team, r).Issues[0].Name
	}
	late := outage{"team-0", "late", "TypeError"}.report(v1alpha1.OutcomeFailed, 500)
	late.Spec.Issue.GroupKey = "shared-library-v2.1"
	reportIn(t, cfg, "team-0", late)
	other := reportIn(t, cfg, "team-0", failed(1)).Issues[0].Name

	watches := map[string]watch.Interface{}
	for _, team := range teams {
		w, err := client.Issues(team).Watch(t.Context(), metav1.ListOptions{ResourceVersion: revision(t, cfg)})
		require.NoError(t, err)
		defer w.Stop()
		watches[team] = w
	}
	answer, err := client.IssueGroupReports().Create(t.Context(), groupReport("shared-library-v2.1", 100), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.IssueGroupReportStatus{Result: v1alpha1.ResultResolved, Resolved: 3, Stale: 1}, answer.Status)
	require.EqualValues(t, 4, getGroup(t, cfg, "shared-library-v2.1").Status.Active, "a dry run changes nothing")

	answer, err = Client(t, As(cfg, "maintainer")).IssuesV1alpha1().IssueGroupReports().
		Create(t.Context(), groupReport("shared-library-v2.1", 100), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.IssueGroupReportStatus{Result: v1alpha1.ResultResolved, Resolved: 3, Stale: 1}, answer.Status)
	for _, team := range teams {
		event := nextEvent(t, watches[team])
		issue := event.Object.(*v1alpha1.Issue)
		require.Equal(t, watch.Modified, event.Type)
		require.Equal(t, names[team], issue.Name)
		require.Equal(t, v1alpha1.StateResolved, issue.Status.State)
		require.Equal(t, "maintainer", issue.Status.ResolvedBy)
		require.Equal(t, "LibraryFixed", issue.Status.Transitions[0].Reason)
	}

	before := revision(t, cfg)
	answer, err = client.IssueGroupReports().Create(t.Context(), groupReport("shared-library-v2.1", 100), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.IssueGroupReportStatus{Result: v1alpha1.ResultStale, Stale: 1}, answer.Status, "a repeated report does nothing more")
	require.Equal(t, before, revision(t, cfg))
	answer, err = client.IssueGroupReports().Create(t.Context(), groupReport("shared-library-v2.1", 600), metav1.CreateOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, answer.Status.Resolved)
	answer, err = client.IssueGroupReports().Create(t.Context(), groupReport("nobodys", 100), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.ResultUnchanged, answer.Status.Result)
	untouched, err := client.Issues("team-0").Get(t.Context(), other, metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, untouched.Status.State)
}

func TestInvalidGroupReport(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	_, err := Client(t, cfg).IssuesV1alpha1().IssueGroupReports().Create(t.Context(), &v1alpha1.IssueGroupReport{
		Spec: v1alpha1.IssueGroupReportSpec{GroupKey: "a/b", Outcome: v1alpha1.OutcomeFailed, Reason: "not a reason"},
	}, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"spec.groupKey", "spec.observedAt", "spec.outcome", "spec.reason"}, fieldsOf(t, err))
	_, err = Client(t, cfg).IssuesV1alpha1().IssueGroupReports().Create(t.Context(), &v1alpha1.IssueGroupReport{}, metav1.CreateOptions{})
	require.Equal(t, []string{"spec.groupKey", "spec.observedAt", "spec.outcome"}, fieldsOf(t, err))
}
