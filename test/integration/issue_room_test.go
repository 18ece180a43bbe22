// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

// TestActiveIssuesAreBounded fills a namespace in every way that opens an issue.
func TestActiveIssuesAreBounded(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithMaxActive(2))
	client := Client(t, cfg).IssuesV1alpha1()
	issues := client.Issues(namespace)
	for _, name := range []string{"a", "b"} {
		_, err := issues.Create(t.Context(), withScope(newIssue(name), name), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	requireRefused := func(err error, reason string) {
		t.Helper()
		require.True(t, apierrors.IsForbidden(err), "%s: %v", reason, err)
		require.ErrorContains(t, err, `exceeded quota: active issues of namespace "`+namespace+`", requested: 1, used: 2, limited: 2`, reason)
	}
	for _, dryRun := range [][]string{nil, {metav1.DryRunAll}} {
		_, err := issues.Create(t.Context(), withScope(newIssue("c"), "c"), metav1.CreateOptions{DryRun: dryRun})
		requireRefused(err, "a third")
		_, err = client.IssueReports(namespace).Create(t.Context(), failureOf("c"), metav1.CreateOptions{DryRun: dryRun})
		requireRefused(err, "a report that would open one")
	}
	_, err := issues.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"spec":{"severity":"minor"}}`), metav1.PatchOptions{})
	require.NoError(t, err, "an active issue can be updated")
	answer, err := client.IssueReports(namespace).Create(t.Context(), failureOf("a"), metav1.CreateOptions{})
	require.NoError(t, err, "a failure of an active issue is counted")
	require.Equal(t, v1alpha1.ResultUpdated, answer.Status.Result)
	other := newIssue("a")
	other.Namespace = "elsewhere"
	_, err = client.Issues(other.Namespace).Create(t.Context(), other, metav1.CreateOptions{})
	require.NoError(t, err, "another namespace has room")

	reopen := func() error {
		_, err := issues.Reopen(t.Context(), "a", &v1alpha1.IssueReopening{}, metav1.CreateOptions{})
		return err
	}
	_, err = issues.Resolve(t.Context(), "a", &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = issues.Create(t.Context(), withScope(newIssue("c"), "c"), metav1.CreateOptions{})
	require.NoError(t, err, "a resolved issue leaves room")
	requireRefused(reopen(), "a resolved issue that is opened again")
	require.NoError(t, issues.Delete(t.Context(), "b", metav1.DeleteOptions{}))
	require.NoError(t, reopen(), "so does a deleted one")
}

// TestBoundHoldsOverReplicas: reports of many problems at once open as many as fit.
func TestBoundHoldsOverReplicas(t *testing.T) {
	t.Parallel()
	const limit, problems = 5, 20
	pg := pgtest.Config(t)
	replicas := []*rest.Config{StartServer(t, WithPostgres(pg), WithMaxActive(limit)), StartServer(t, WithPostgres(pg), WithMaxActive(limit))}
	var work sync.WaitGroup
	var opened, refused atomic.Int32
	for i := range problems {
		client := Client(t, replicas[i%2]).IssuesV1alpha1().IssueReports(namespace)
		work.Go(func() {
			_, err := client.Create(t.Context(), failureOf(fmt.Sprint("p", i)), metav1.CreateOptions{})
			switch {
			case err == nil:
				opened.Add(1)
			case apierrors.IsForbidden(err):
				refused.Add(1)
			}
		})
	}
	work.Wait()
	require.EqualValues(t, limit, opened.Load())
	require.EqualValues(t, problems-limit, refused.Load())
}

func withScope(issue *v1alpha1.Issue, name string) *v1alpha1.Issue {
	issue.Spec.Scope.Name = name
	return issue
}

// failureOf reports the problem that newIssue has with the scope of that name.
func failureOf(scope string) *v1alpha1.IssueReport {
	report := failed(1)
	report.Spec.Issue = v1alpha1.ReportedIssue(withScope(newIssue(""), scope).Spec)
	return report
}
