// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestSummary tells what happened by way of the API.
func TestSummary(t *testing.T) {
	t.Parallel()
	clock := testclock.NewFakeClock(time.Now())
	cfg := StartServer(t, WithClock(clock))
	client := Client(t, cfg).IssuesV1alpha1()
	ctx := t.Context()
	name := report(t, cfg, failed(1)).Issues[0].Name
	report(t, cfg, succeeded(61))
	report(t, cfg, failed(120))
	report(t, cfg, succeeded(240))
	report(t, cfg, failed(300, func(spec *v1alpha1.IssueReportSpec) { spec.Issue.Application = "shop" }))
	createIn(t, cfg, namespace+".by-hand", "team-delta.x")
	require.NoError(t, client.Issues(namespace).Delete(ctx, "by-hand", metav1.DeleteOptions{}))

	summary, err := client.IssueSummaries(namespace).Get(ctx, v1alpha1.IssueSummaryName, metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, namespace, summary.Namespace)
	status := summary.Status
	require.Equal(t, v1alpha1.ActiveIssues{
		Total:        1,
		Severities:   []v1alpha1.IssueCount{{Value: "major", Count: 1}},
		Types:        []v1alpha1.IssueCount{{Value: "build", Count: 1}},
		Applications: []v1alpha1.IssueCount{{Value: "shop", Count: 1}},
	}, status.Active)
	require.EqualValues(t, 3, status.ResolvedLastDay, "two recoveries, and one that was deleted")
	require.EqualValues(t, 3, status.TimeToResolve.Count)
	require.Equal(t, []v1alpha1.ReopenedIssue{{Name: name, Reopened: 2}}, status.MostReopened)
	require.Len(t, status.Days, 30)
	var opened, resolved int64
	for _, week := range status.Weeks {
		opened, resolved = opened+week.Opened, resolved+week.Resolved
	}
	require.Equal(t, []int64{4, 3}, []int64{opened, resolved})

	clock.Step(2 * time.Minute)
	require.Eventually(t, func() bool {
		summary, err = client.IssueSummaries(namespace).Get(ctx, v1alpha1.IssueSummaryName, metav1.GetOptions{})
		return err == nil && len(summary.Status.Producers) == 1
	}, eventTimeout, 20*time.Millisecond, "who reports is noted once a minute")
	require.NotEmpty(t, summary.Status.Producers[0].Name)
}

// TestSummaries lists the namespaces that have, or had, issues, whole and in pages.
func TestSummaries(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1()
	ctx := t.Context()
	want := []string{"a-b", "a", "b", "c"}
	for _, namespace := range want {
		createIn(t, cfg, namespace+".x")
	}
	for _, limit := range []int64{0, 1, 2, 3, 4, 5} {
		var got []string
		options := metav1.ListOptions{Limit: limit}
		for {
			list, err := client.IssueSummaries("").List(ctx, options)
			require.NoError(t, err)
			for _, summary := range list.Items {
				require.EqualValues(t, 1, summary.Status.Active.Total)
				got = append(got, summary.Namespace)
			}
			if options.Continue = list.Continue; list.Continue == "" {
				break
			}
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}
	for selector, n := range map[string]int{
		"metadata.namespace=a": 1, "metadata.namespace!=a": 3, "metadata.name=summary": 4, "metadata.name=x": 0, "metadata.name!=summary": 0,
	} {
		list, err := client.IssueSummaries("").List(ctx, metav1.ListOptions{FieldSelector: selector})
		require.NoError(t, err, selector)
		require.Len(t, list.Items, n, selector)
	}
	empty, err := client.IssueSummaries("nobody").Get(ctx, v1alpha1.IssueSummaryName, metav1.GetOptions{})
	require.NoError(t, err)
	require.Zero(t, empty.Status.Active.Total)
	_, err = client.IssueSummaries("a").Get(ctx, "x", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err))
	_, err = client.IssueSummaries("").List(ctx, metav1.ListOptions{FieldSelector: "spec.type=build"})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	_, err = client.IssueSummaries("").List(ctx, metav1.ListOptions{Limit: 1, Continue: "x"})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
	table, err := client.RESTClient().Get().Resource("issuesummaries").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(ctx).Raw()
	require.NoError(t, err)
	require.Contains(t, string(table), fmt.Sprintf(`"name":%q`, "P90"))
}
