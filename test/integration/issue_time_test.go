// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/sweep"
	"kite.dev/kite/test/pgtest"
)

const (
	week = 7 * 24 * time.Hour
	year = 52 * week
)

// turn moves the clock on, in the steps in which servers look at it, until done.
func turn(t *testing.T, clock *clocktesting.FakeClock, done func() bool, reason string) {
	t.Helper()
	require.Eventually(t, func() bool {
		clock.Step(5 * time.Second)
		return done()
	}, startTimeout, 20*time.Millisecond, reason)
}

// TestTimePasses: what time does to issues, each step seen by a watch.
func TestTimePasses(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Now())
	pg := pgtest.Config(t)
	cfg := StartServer(t, WithPostgres(pg), WithClock(clock), WithRetention(sweep.Retention{Resolved: week, History: year}))
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	after := func(d time.Duration) *metav1.Time {
		return &metav1.Time{Time: clock.Now().Add(d).Truncate(time.Second)}
	}
	for name, edit := range map[string]func(*v1alpha1.IssueSpec){
		"expiring":  func(spec *v1alpha1.IssueSpec) { spec.ExpiresAfter = &metav1.Duration{Duration: time.Hour} },
		"due":       func(spec *v1alpha1.IssueSpec) { spec.DueDate = after(2 * time.Hour) },
		"untouched": func(*v1alpha1.IssueSpec) {},
	} {
		issue := newIssue(name)
		edit(&issue.Spec)
		_, err := client.Create(t.Context(), issue, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err := client.Acknowledge(t.Context(), "untouched", &v1alpha1.IssueAcknowledgement{Until: after(3 * time.Hour)}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Patch(t.Context(), "expiring", types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`), metav1.PatchOptions{})
	require.NoError(t, err)

	clock.Step(time.Hour + time.Minute)
	turn(t, clock, func() bool { return getIssue(t, cfg, "expiring").Status.State == v1alpha1.StateResolved }, "it expires")
	expired := getIssue(t, cfg, "expiring")
	require.Equal(t, v1alpha1.ReasonExpired, expired.Status.Transitions[0].Reason)
	require.Equal(t, rules.ByServer, expired.Status.ResolvedBy)
	require.Equal(t, time.Hour, expired.Status.ResolvedAt.Sub(expired.Status.LastSeen.Time))
	clock.Step(time.Hour)
	turn(t, clock, func() bool { return getIssue(t, cfg, "due").Labels["issues.kite.dev/overdue"] == "true" }, "it is overdue")
	require.Equal(t, int32(35), getIssue(t, cfg, "due").Status.Rank)
	require.NotNil(t, getIssue(t, cfg, "untouched").Status.Acknowledged)
	clock.Step(time.Hour)
	turn(t, clock, func() bool { return getIssue(t, cfg, "untouched").Status.Acknowledged == nil }, "the acknowledgement ends")

	clock.Step(week)
	turn(t, clock, func() bool { return getIssue(t, cfg, "expiring").DeletionTimestamp != nil }, "it leaves the API")
	_, err = client.Patch(t.Context(), "expiring", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	_, err = client.Get(t.Context(), "expiring", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
	conn := connect(t, pg)
	episodes := func() (n int) {
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM issue_episodes WHERE name = 'expiring'").Scan(&n))
		return n
	}
	require.Equal(t, 1, episodes(), "its history stays")
	clock.Step(year)
	turn(t, clock, func() bool { return episodes() == 0 }, "and is forgotten")
	require.Equal(t, v1alpha1.StateActive, getIssue(t, cfg, "untouched").Status.State)
}

// TestSweepOverReplicas: two servers sweep, reports go on, and one server ends. Each issue
// is resolved once, deleted once, and has one episode.
func TestSweepOverReplicas(t *testing.T) {
	t.Parallel()
	const problems = 60
	clock := clocktesting.NewFakeClock(time.Now())
	pg := pgtest.Config(t)
	retention := sweep.Retention{Resolved: week}
	cfg := StartServer(t, WithPostgres(pg), WithClock(clock), WithRetention(retention))
	second := newConfig(t, settings{authorizer: authorizerfactory.NewAlwaysAllowAuthorizer(), postgres: &pg, clock: clock, retention: retention})
	server, err := second.Complete().New(t.Context())
	require.NoError(t, err)
	stop := start(t, server)
	var stopping sync.Once
	end := func() { stopping.Do(func() { require.NoError(t, stop()) }) }
	t.Cleanup(end)
	waitReady(t, second.Generic.LoopbackClientConfig)

	client := Client(t, cfg).IssuesV1alpha1()
	events, err := client.Issues(namespace).Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer events.Stop()
	failure := func(i int) *v1alpha1.IssueReport {
		report := failureOf(fmt.Sprint("p", i))
		report.Spec.ObservedAt = &metav1.MicroTime{Time: clock.Now()}
		report.Spec.Issue.ExpiresAfter = &metav1.Duration{Duration: time.Hour}
		return report
	}
	for i := range problems {
		report(t, cfg, failure(i))
	}
	clock.Step(45 * time.Minute)
	for i := 0; i < problems; i += 3 {
		report(t, cfg, failure(i)) // seen again: these expire later
	}
	clock.Step(20 * time.Minute)
	state := func(want v1alpha1.IssueState) int { return len(selected(t, cfg, "status.state="+string(want))) }
	turn(t, clock, func() bool { return state(v1alpha1.StateResolved) == problems-problems/3 }, "those that were not seen again expire")
	require.Equal(t, problems/3, state(v1alpha1.StateActive))
	end()
	clock.Step(time.Hour)
	turn(t, clock, func() bool { return state(v1alpha1.StateResolved) == problems }, "one server does it alone")
	clock.Step(week)
	turn(t, clock, func() bool { return len(selected(t, cfg, "spec.type=build")) == 0 }, "all leave the API")

	requireOnce(t, events, problems)
	requireExpiredOnce(t, connect(t, pg), problems)
}

// requireExpiredOnce: history holds one episode of each issue, and nothing else.
func requireExpiredOnce(t *testing.T, conn *pgx.Conn, problems int) {
	t.Helper()
	var all, expired, uids int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE reason = 'Expired' AND episode = 0),
		count(DISTINCT uid) FROM issue_episodes`).Scan(&all, &expired, &uids))
	require.Equal(t, []int{problems, problems, problems}, []int{all, expired, uids})
}

// requireOnce reads the watch of all issues until the last has gone: each was resolved
// once before.
func requireOnce(t *testing.T, events watch.Interface, problems int) {
	t.Helper()
	resolved, deleted := map[string]int{}, 0
	for deleted < problems {
		event := nextEvent(t, events)
		issue, ok := event.Object.(*v1alpha1.Issue)
		require.True(t, ok, "%v", event.Object)
		switch {
		case event.Type == watch.Deleted:
			deleted++
			require.Equal(t, 1, resolved[issue.Name], issue.Name)
		case issue.Status.State == v1alpha1.StateResolved:
			resolved[issue.Name]++
		}
	}
}

// TestClosedPullRequest: a report says why its issues are over.
func TestClosedPullRequest(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	pullRequest := func(number string) reportEdit {
		return func(spec *v1alpha1.IssueReportSpec) {
			spec.Issue.Stage, spec.Issue.Key = v1alpha1.StagePullRequest, number
		}
	}
	closed := func(spec *v1alpha1.IssueReportSpec) { spec.Reason = v1alpha1.ReasonPullRequestClosed }
	mine := report(t, cfg, failed(1, pullRequest("42"))).Issues[0].Name
	other := report(t, cfg, failed(1, pullRequest("43"))).Issues[0].Name
	require.Equal(t, v1alpha1.ResultResolved, report(t, cfg, succeeded(2, pullRequest("42"), closed)).Result)
	require.Equal(t, v1alpha1.ReasonPullRequestClosed, getIssue(t, cfg, mine).Status.Transitions[0].Reason)
	require.Equal(t, v1alpha1.StateActive, getIssue(t, cfg, other).Status.State)
	require.Equal(t, v1alpha1.ResultUnchanged, report(t, cfg, succeeded(3, pullRequest("42"), closed)).Result, "it may be repeated")
}

// TestHistory: what was Active and is no longer is remembered under its namespace's UID.
func TestHistory(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	var uid atomic.Pointer[string]
	uid.Store(new("first"))
	cfg := StartServer(t, WithPostgres(pg), WithNamespaceUIDs(func(string) string { return *uid.Load() }))
	report(t, cfg, failed(1, withRun(1)))
	report(t, cfg, succeeded(3, withRun(2)))
	report(t, cfg, failed(4, withRun(3)))
	name := derivedNames()[0]
	require.NoError(t, Client(t, cfg).IssuesV1alpha1().Issues(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}))
	uid.Store(new("anew"))
	report(t, cfg, failed(1, withRun(1)))
	requireEpisodes(t, connect(t, pg), []string{"first 0 Succeeded 2s", "first 1 Deleted"})
	report(t, cfg, succeeded(9))
	requireEpisodes(t, connect(t, pg), []string{"anew 0 Succeeded 8s", "first 0 Succeeded 2s", "first 1 Deleted"})
}

// requireEpisodes compares all episodes: the namespace's UID, number and reason, and how
// long it took where that does not depend on the clock.
func requireEpisodes(t *testing.T, conn *pgx.Conn, want []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT trim(concat_ws(' ', namespace_uid, episode, reason,
			CASE WHEN reason <> 'Deleted' THEN extract(epoch FROM resolved_at - opened_at)::int || 's' END))
		FROM issue_episodes ORDER BY 1`)
	require.NoError(t, err)
	have, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, want, have)
}
