// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

// TestBumpRevision puts an earlier state back into the same database, where no server
// can notice: a client that knows a later revision is sent to list anew.
func TestBumpRevision(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	cfg := newConfig(t, settings{postgres: &pg})
	server, err := cfg.Complete().New(t.Context())
	require.NoError(t, err)
	stop := start(t, server)
	waitReady(t, cfg.Generic.LoopbackClientConfig)
	issues := Client(t, cfg.Generic.LoopbackClientConfig).IssuesV1alpha1().Issues(namespace)
	kept, err := issues.Create(t.Context(), newIssue("kept"), metav1.CreateOptions{})
	require.NoError(t, err)
	lost, err := issues.Create(t.Context(), newIssue("lost"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, stop())

	conn := connect(t, pg)
	_, err = conn.Exec(t.Context(), "DELETE FROM objects WHERE key LIKE '%/lost'")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "DELETE FROM events WHERE key LIKE '%/lost'")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "DELETE FROM issues WHERE key LIKE '%/lost'")
	require.NoError(t, err)
	before := time.Now().UnixMicro()
	out, err := command(t.Context(), []string{options.EnvDSN + "=" + pg.DSN}, "bump-revision", "--postgres-schema="+pg.Schema).Output()
	require.NoError(t, err)
	require.Regexp(t, `^schema `+pg.Schema+` moved from revision `+kept.ResourceVersion+` to \d+: every client lists anew\n$`, string(out))

	again := StartServer(t, WithPostgres(pg))
	issues = Client(t, again).IssuesV1alpha1().Issues(namespace)
	list, err := issues.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, kept.ResourceVersion, list.Items[0].ResourceVersion, "objects stay as they are")
	now, err := strconv.ParseInt(list.ResourceVersion, 10, 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, now, before)

	events, err := issues.Watch(t.Context(), metav1.ListOptions{ResourceVersion: lost.ResourceVersion})
	if err == nil {
		event := nextEvent(t, events)
		require.Equal(t, watch.Error, event.Type)
		err = apierrors.FromObject(event.Object)
	}
	require.True(t, apierrors.IsResourceExpired(err) || apierrors.IsGone(err), "%v", err)
	events, err = issues.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	_, err = issues.Create(t.Context(), newIssue("next"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "next", nextEvent(t, events).Object.(*v1alpha1.Issue).Name)
}

// A server that runs meanwhile takes it as any write: its watches end with 410.
func TestBumpRevisionUnderARunningServer(t *testing.T) {
	t.Parallel()
	pg := pgtest.Config(t)
	issues := Client(t, StartServer(t, WithPostgres(pg))).IssuesV1alpha1().Issues(namespace)
	created, err := issues.Create(t.Context(), newIssue("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	events, err := issues.Watch(t.Context(), metav1.ListOptions{ResourceVersion: created.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	_, to, err := postgres.BumpRevision(t.Context(), pg)
	require.NoError(t, err)
	event := nextEvent(t, events)
	require.Equal(t, watch.Error, event.Type)
	require.True(t, apierrors.IsResourceExpired(apierrors.FromObject(event.Object)), "%v", event.Object)
	list, err := issues.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Equal(t, strconv.FormatInt(to, 10), list.ResourceVersion)
}

func TestBumpRevisionRefuses(t *testing.T) {
	t.Parallel()
	older := pgtest.Config(t)
	_, err := connect(t, older).Exec(t.Context(), "UPDATE schema_version SET version = 1")
	require.NoError(t, err)
	absent := pgtest.EmptyConfig(t)
	for name, tc := range map[string]struct {
		reason, schema, want string
	}{
		"Absent": {"a wrong name must not look like success", absent.Schema, `schema "` + absent.Schema + `" does not exist or was never migrated`},
		"Older":  {"a dump of an older version is migrated first", older.Schema, "run `kite-apiserver migrate`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := command(t.Context(), []string{options.EnvDSN + "=" + absent.DSN}, "bump-revision", "--postgres-schema="+tc.schema).CombinedOutput()
			require.Error(t, err, tc.reason)
			require.Contains(t, string(out), tc.want, tc.reason)
		})
	}
}
