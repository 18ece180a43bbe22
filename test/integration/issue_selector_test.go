// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// subject is a report of an issue that differs from other's in every field that can
// be selected.
func subject() *v1alpha1.IssueReport {
	return failed(1, withRun(1), func(spec *v1alpha1.IssueReportSpec) {
		spec.Issue.Title = "Coverage of checkout is under 100%"
		spec.Issue.Description = "see a_b and C:\\tmp, ÄRGER"
		spec.Issue.Key, spec.Issue.Origin, spec.Issue.GroupKey = "42", "mintmaker", "CVE-2026-1234"
		spec.Issue.Application, spec.Issue.Component = "shop", "checkout"
		spec.Issue.Scope.Namespace = "elsewhere"
	})
}

func other() *v1alpha1.Issue {
	issue := newIssue("other")
	issue.Namespace = "team-delta"
	issue.Spec = v1alpha1.IssueSpec{
		Title: "1000 axb", Description: "is under, 100 %", Type: v1alpha1.TypeTest, Severity: v1alpha1.SeverityInfo,
		Scope: v1alpha1.IssueScope{Kind: "Snapshot", Name: "other"}, Key: "43", Stage: v1alpha1.StageRelease,
		Origin: "human", GroupKey: "CVE-2026-1235", Application: "warehouse", Component: "stock",
	}
	return issue
}

// TestFieldSelectors: every field, in list and in watch. The other issue comes
// first, so that the first event tells whether the watch let it pass.
func TestFieldSelectors(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1()
	ctx := t.Context()
	dry, err := client.IssueReports(namespace).Create(ctx, subject(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err)
	name := dry.Status.Issues[0].Name

	selectors := []string{
		"metadata.name=" + name, "metadata.namespace=team-gamma", "spec.type=build", "spec.severity=major", "spec.stage=Push",
		"spec.key=42", "spec.application=shop", "spec.component=checkout", "spec.groupKey=CVE-2026-1234", "spec.origin=mintmaker",
		"spec.scope.kind=Component", "spec.scope.name=checkout", "spec.scope.namespace=elsewhere", "status.state=Resolved",
		"run.name=run-1", "run.uid=uid-1", "search=100%", "search=a_b", "search=coverage OF", "search=ärger",
		"search=c:\\\\tmp", "spec.type!=test", "spec.key!=43,search!=axb", "run.name=run-1,search=checkout,spec.severity=major",
	}
	watches := map[string]watch.Interface{}
	since := revision(t, cfg)
	for _, selector := range selectors {
		watches[selector], err = client.Issues("").Watch(ctx, metav1.ListOptions{FieldSelector: selector, ResourceVersion: since})
		require.NoError(t, err, selector)
		defer watches[selector].Stop()
	}
	_, err = client.Issues("team-delta").Create(ctx, other(), metav1.CreateOptions{})
	require.NoError(t, err)
	report(t, cfg, subject())
	_, err = client.Issues(namespace).Resolve(ctx, name, &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
	require.NoError(t, err)

	for _, selector := range selectors {
		event := nextEvent(t, watches[selector])
		require.Equal(t, watch.Added, event.Type, selector)
		require.Equal(t, name, event.Object.(*v1alpha1.Issue).Name, selector)

		list, err := client.Issues("").List(ctx, metav1.ListOptions{FieldSelector: selector})
		require.NoError(t, err, selector)
		require.Len(t, list.Items, 1, selector)
		require.Equal(t, name, list.Items[0].Name, selector)
	}
}

func TestSelectorsThatFindNothing(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1()
	report(t, cfg, subject())
	for _, selector := range []string{
		"search=under_100", "search=a%b", "run.name=run", "run.uid=uid", "run.name!=run-1", "search!=coverage",
		"spec.severity=Major", "spec.key=", "search=" + strings.Repeat("x", 128), "spec.application=" + strings.Repeat("x", 5000),
	} {
		list, err := client.Issues(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: selector})
		require.NoError(t, err, selector)
		require.Empty(t, list.Items, selector)
	}
}

// TestWatchLosesWhatNoLongerMatches: an issue that leaves the selection is deleted
// for the watch.
func TestWatchLosesWhatNoLongerMatches(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	options := metav1.ListOptions{FieldSelector: "status.state=Active,search=checkout", ResourceVersion: revision(t, cfg)}
	events, err := client.Watch(ctx, options)
	require.NoError(t, err)
	defer events.Stop()
	name := report(t, cfg, failed(1)).Issues[0].Name
	require.Equal(t, watch.Added, nextEvent(t, events).Type)
	_, err = client.Resolve(ctx, name, &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, watch.Deleted, nextEvent(t, events).Type)
}

func TestLabelSelectors(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	report(t, cfg, subject())
	for selector, found := range map[string]int{
		"issues.kite.dev/severity in (critical,major)":                            1,
		"issues.kite.dev/severity in (minor,info)":                                0,
		"issues.kite.dev/application in (shop,warehouse),issues.kite.dev/type":    1,
		"issues.kite.dev/releasable=true,issues.kite.dev/stage=Push":              1,
		"!issues.kite.dev/overdue,issues.kite.dev/state=Active":                   1,
		"issues.kite.dev/group=CVE-2026-1234,issues.kite.dev/origin!=mintmaker":   0,
		"issues.kite.dev/component=checkout,issues.kite.dev/state notin (Active)": 0,
	} {
		list, err := Client(t, cfg).IssuesV1alpha1().Issues("").List(t.Context(), metav1.ListOptions{LabelSelector: selector})
		require.NoError(t, err, selector)
		require.Len(t, list.Items, found, selector)
	}
}

// TestSearchBounds: too short or too long is refused, wherever selectors are taken.
func TestSearchBounds(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	report(t, cfg, failed(1))
	for _, selector := range []string{"search=x", "search=", "search!=x", "search=" + strings.Repeat("ä", 129)} {
		options := metav1.ListOptions{FieldSelector: selector}
		_, err := client.List(ctx, options)
		require.True(t, apierrors.IsBadRequest(err), "list %s: %v", selector, err)
		_, err = client.Watch(ctx, options)
		require.True(t, apierrors.IsBadRequest(err), "watch %s: %v", selector, err)
		err = client.DeleteCollection(ctx, metav1.DeleteOptions{}, options)
		require.True(t, apierrors.IsBadRequest(err), "delete %s: %v", selector, err)
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
}
