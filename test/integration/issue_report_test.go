// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

// TestFailRecoverFail: one object, each step seen by a watch.
func TestFailRecoverFail(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	robot := As(cfg, "robot")
	events, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: revision(t, cfg)})
	require.NoError(t, err)
	defer events.Stop()

	created := report(t, robot, failed(1, withRun(1)))
	require.Equal(t, v1alpha1.ResultCreated, created.Result)
	require.Equal(t, derivedNames()[0], created.Issues[0].Name)
	require.Equal(t, v1alpha1.ResultResolved, report(t, robot, succeeded(2, withRun(2))).Result)
	reopened := report(t, robot, failed(3, withRun(3)))
	require.Equal(t, v1alpha1.ResultReopened, reopened.Result)

	for _, want := range []struct {
		event watch.EventType
		state v1alpha1.IssueState
	}{
		{watch.Added, v1alpha1.StateActive}, {watch.Modified, v1alpha1.StateResolved}, {watch.Modified, v1alpha1.StateActive},
	} {
		event := nextEvent(t, events)
		require.Equal(t, want.event, event.Type)
		issue := event.Object.(*v1alpha1.Issue)
		require.Equal(t, want.state, issue.Status.State)
		require.Equal(t, created.Issues[0].UID, issue.UID)
		require.Equal(t, string(want.state), issue.Labels["issues.kite.dev/state"])
	}
	issue := getIssue(t, cfg, created.Issues[0].Name)
	require.Equal(t, reopened.Issues[0].ResourceVersion, issue.ResourceVersion)
	require.Equal(t, int32(2), issue.Status.Occurrences)
	require.Equal(t, int32(1), issue.Status.Reopened)
	require.Len(t, issue.Status.Transitions, 3)
	require.Equal(t, "robot", issue.Status.ReportedBy)
	require.Equal(t, int32(30), issue.Status.Rank)
}

// TestReplay: a producer that starts again and reports what it sees moves no
// resource version.
func TestReplay(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	robot := As(cfg, "robot")
	history := []*v1alpha1.IssueReport{
		failed(1, withRun(1)), failed(2, withRun(2)), succeeded(3, withRun(3)), failed(4, withRun(4)), succeeded(5, withRun(5)),
	}
	for _, r := range history {
		report(t, robot, r)
	}
	before := revision(t, cfg)
	for _, r := range history {
		require.Contains(t, []v1alpha1.ReportResult{v1alpha1.ResultUnchanged, v1alpha1.ResultStale}, report(t, robot, r).Result)
	}
	require.Equal(t, before, revision(t, cfg))
	require.Equal(t, v1alpha1.StateResolved, getIssue(t, cfg, derivedNames()[0]).Status.State)
}

// reportAll sends n reports of n runs at once, to all servers in turn.
func reportAll(t *testing.T, n int, servers ...*rest.Config) {
	t.Helper()
	var clients []func(*v1alpha1.IssueReport) error
	for _, cfg := range servers {
		client := Client(t, As(cfg, "robot")).IssuesV1alpha1().IssueReports(namespace)
		clients = append(clients, func(r *v1alpha1.IssueReport) error {
			_, err := client.Create(t.Context(), r, metav1.CreateOptions{})
			return err
		})
	}
	errs := make(chan error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs <- clients[i%len(clients)](failed(i, withRun(i))) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

func TestParallelReportsOverTwoServers(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	first, second := StartServer(t, WithPostgres(pg)), StartServer(t, WithPostgres(pg))
	reportAll(t, 40, first, second)
	list, err := Client(t, second).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	issue := list.Items[0]
	require.Equal(t, int32(40), issue.Status.Occurrences)
	require.Len(t, issue.Status.Runs, 20)
	require.Equal(t, "run-39", issue.Status.Runs[0].Name)
	require.True(t, issue.Status.FirstSeen.Time.Equal(observed))
	require.True(t, issue.Status.LastSeen.Time.Equal(observed.Add(39*time.Second)))
}

// TestReportsShareWrites: reports of one identity that wait in one process are
// applied in one update.
func TestReportsShareWrites(t *testing.T) {
	t.Parallel()
	const n = 500
	pg := pgtest.Config(t)
	first, second := StartServer(t, WithPostgres(pg)), StartServer(t, WithPostgres(pg))
	before, err := strconv.Atoi(revision(t, first))
	require.NoError(t, err)
	began := time.Now()
	reportAll(t, n, first, second)
	took := time.Since(began)
	after, err := strconv.Atoi(revision(t, first))
	require.NoError(t, err)
	t.Logf("%d reports in %s and %d writes", n, took, after-before)
	require.Less(t, after-before, n/2)
	require.Equal(t, int32(n), getIssue(t, first, derivedNames()[0]).Status.Occurrences)
}

func TestReportFindsItsIssue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason   string
		existing []*v1alpha1.Issue
		want     string
		result   v1alpha1.ReportResult
	}{
		"Nothing":       {"the first derived name is free", nil, derivedNames()[0], v1alpha1.ResultCreated},
		"ByHand":        {"the Active holder, whatever its name", []*v1alpha1.Issue{reportedByHand("mine")}, "mine", v1alpha1.ResultUpdated},
		"Squatted":      {"somebody took the name", []*v1alpha1.Issue{newIssue(derivedNames()[0])}, derivedNames()[1], v1alpha1.ResultCreated},
		"SquattedTwice": {"somebody took two", []*v1alpha1.Issue{newIssue(derivedNames()[0]), newIssue(derivedNames()[1])}, derivedNames()[2], v1alpha1.ResultCreated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := StartServer(t)
			for _, issue := range tc.existing {
				_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Create(t.Context(), issue, metav1.CreateOptions{})
				require.NoError(t, err)
			}
			status := report(t, cfg, failed(1))
			require.Equal(t, tc.result, status.Result, tc.reason)
			require.Equal(t, tc.want, status.Issues[0].Name, tc.reason)
			require.Equal(t, v1alpha1.ResultUpdated, report(t, cfg, failed(2)).Result)
			require.Equal(t, tc.want, report(t, cfg, succeeded(3)).Issues[0].Name)
		})
	}
}

// TestHolderBeforeResolved: a Resolved issue at the derived name does not open again
// while an issue by hand holds the identity.
func TestHolderBeforeResolved(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	derived := report(t, cfg, failed(1)).Issues[0]
	report(t, cfg, succeeded(2))
	resolved := getIssue(t, cfg, derived.Name)
	_, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).Create(t.Context(), reportedByHand("mine"), metav1.CreateOptions{})
	require.NoError(t, err)

	status := report(t, cfg, failed(3))
	require.Equal(t, v1alpha1.ResultUpdated, status.Result)
	require.Equal(t, "mine", status.Issues[0].Name)
	require.Equal(t, resolved.ResourceVersion, getIssue(t, cfg, derived.Name).ResourceVersion)
}

// TestReportToADeletedIssue: what is counted on an issue that a finalizer still holds
// would be lost with it.
func TestReportToADeletedIssue(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	first := report(t, cfg, failed(0, withRun(1))).Issues[0]
	issues := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	finalizers := func(list string) {
		_, err := issues.Patch(t.Context(), first.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":`+list+`}}`), metav1.PatchOptions{})
		require.NoError(t, err)
	}
	finalizers(`["example.com/wait"]`)
	require.NoError(t, issues.Delete(t.Context(), first.Name, metav1.DeleteOptions{}))

	_, err := Client(t, cfg).IssuesV1alpha1().IssueReports(namespace).Create(t.Context(), failed(1, withRun(2)), metav1.CreateOptions{})
	require.True(t, apierrors.IsServiceUnavailable(err), "%v", err)
	_, wait := apierrors.SuggestsClientDelay(err)
	require.True(t, wait, "%v", err)

	finalizers(`null`)
	again := report(t, cfg, failed(1, withRun(2)))
	require.Equal(t, v1alpha1.ResultCreated, again.Result)
	require.NotEqual(t, first.UID, again.Issues[0].UID)
}

func TestReportDryRun(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	before := revision(t, cfg)
	client := Client(t, cfg).IssuesV1alpha1().IssueReports(namespace)
	answer, err := client.Create(t.Context(), failed(1), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.ResultCreated, answer.Status.Result)
	require.Empty(t, answer.Status.Issues[0].ResourceVersion)
	require.Equal(t, before, revision(t, cfg))
}

// TestPersonsEditStays: a report changes only what still is as the last one said.
func TestPersonsEditStays(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	name := report(t, cfg, failed(1)).Issues[0].Name
	issue := getIssue(t, cfg, name)
	issue.Spec.Severity = v1alpha1.SeverityCritical
	_, err := Client(t, As(cfg, "dana")).IssuesV1alpha1().Issues(namespace).Update(t.Context(), issue, metav1.UpdateOptions{})
	require.NoError(t, err)
	report(t, cfg, failed(2, func(spec *v1alpha1.IssueReportSpec) { spec.Issue.Title = "Build fails again" }))
	after := getIssue(t, cfg, name)
	require.Equal(t, v1alpha1.SeverityCritical, after.Spec.Severity)
	require.Equal(t, "Build fails again", after.Spec.Title)
	require.Equal(t, int64(3), after.Generation)
	require.Equal(t, after.Generation, after.Status.ObservedGeneration)
	require.Equal(t, "critical", after.Labels["issues.kite.dev/severity"])
}

// TestWideningNeedsARight: only who may update issues/status resolves what others
// reported, or all keys at once.
func TestWideningNeedsARight(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithAuthorizer(producers))
	robot, controller := As(cfg, "robot"), As(cfg, "controller")
	for i, key := range []string{"41", "42"} {
		report(t, robot, failed(i, withKey(key)))
	}
	require.Equal(t, v1alpha1.ResultUnchanged, report(t, As(cfg, "stranger"), succeeded(5, withKey("41"))).Result)

	all := succeeded(6, func(spec *v1alpha1.IssueReportSpec) { spec.AllKeys = true })
	_, err := Client(t, robot).IssuesV1alpha1().IssueReports(namespace).Create(t.Context(), all, metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, "issues/status")

	status := report(t, controller, all)
	require.Equal(t, v1alpha1.ResultResolved, status.Result)
	require.Len(t, status.Issues, 2)
}

func withKey(key string) reportEdit {
	return func(spec *v1alpha1.IssueReportSpec) { spec.Issue.Key = key }
}
