// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// TestVerbs: what people do is attributed to the request's user, at the server's
// time, and doing it twice changes nothing.
func TestVerbs(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	name := report(t, cfg, failed(1)).Issues[0].Name
	dana := Client(t, As(cfg, "dana")).IssuesV1alpha1().Issues(namespace)
	eve := Client(t, As(cfg, "eve")).IssuesV1alpha1().Issues(namespace)
	ctx, began := t.Context(), time.Now().Add(-time.Second)

	until := metav1.NewTime(time.Now().Add(24 * time.Hour).Truncate(time.Second))
	ack := &v1alpha1.IssueAcknowledgement{Note: "I look at it", Until: &until}
	acknowledged, err := dana.Acknowledge(ctx, name, ack, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "dana", acknowledged.Status.Acknowledged.By)
	require.Equal(t, "I look at it", acknowledged.Status.Acknowledged.Note)
	require.True(t, acknowledged.Status.Acknowledged.Until.Equal(&until))
	again, err := dana.Acknowledge(ctx, name, ack, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, acknowledged.ResourceVersion, again.ResourceVersion)

	dry, err := dana.Resolve(ctx, name, &v1alpha1.IssueResolution{}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateResolved, dry.Status.State)
	require.Equal(t, acknowledged.ResourceVersion, getIssue(t, cfg, name).ResourceVersion)

	resolution := &v1alpha1.IssueResolution{Reason: "Fixed", Message: "by hand"}
	resolved, err := dana.Resolve(ctx, name, resolution, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateResolved, resolved.Status.State)
	require.Equal(t, "dana", resolved.Status.ResolvedBy)
	require.WithinRange(t, resolved.Status.ResolvedAt.Time, began, time.Now().Add(time.Second))
	require.Nil(t, resolved.Status.Acknowledged, "ends with it")
	require.Equal(t, "by hand", apimeta.FindStatusCondition(resolved.Status.Conditions, v1alpha1.ConditionResolved).Message)
	twice, err := eve.Resolve(ctx, name, &v1alpha1.IssueResolution{Reason: "MeToo"}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, resolved, twice, "the first one's stays")

	_, err = dana.Acknowledge(ctx, name, ack, metav1.CreateOptions{})
	require.True(t, apierrors.IsConflict(err), "a resolved issue: %v", err)

	reopened, err := eve.Reopen(ctx, name, &v1alpha1.IssueReopening{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, reopened.Status.State)
	require.Equal(t, "eve", reopened.Status.Transitions[0].By)
	require.Equal(t, resolved.Generation, reopened.Generation)
	twice, err = eve.Reopen(ctx, name, &v1alpha1.IssueReopening{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, reopened, twice)
	require.Equal(t, v1alpha1.ResultStale, report(t, cfg, succeeded(2)).Result, "an older recovery does not undo a person")
}

func TestVerbsRefuse(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	name := report(t, cfg, failed(1)).Issues[0].Name
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	before := revision(t, cfg)

	_, err := client.Resolve(ctx, "absent", &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
	require.True(t, apierrors.IsNotFound(err), "%v", err)
	require.Equal(t, "issues", statusOf(t, err).Details.Kind)

	_, err = client.Resolve(ctx, name, &v1alpha1.IssueResolution{
		Reason: "not a reason", Message: strings.Repeat("x", 1025),
	}, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"message", "reason"}, fieldsOf(t, err))

	far := metav1.NewTime(time.Now().Add(91 * 24 * time.Hour))
	_, err = client.Acknowledge(ctx, name, &v1alpha1.IssueAcknowledgement{Note: "a\x00b", Until: &far}, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"note", "until"}, fieldsOf(t, err))

	misnamed := &v1alpha1.IssueReopening{ObjectMeta: metav1.ObjectMeta{Name: "other"}}
	_, err = client.Reopen(ctx, name, misnamed, metav1.CreateOptions{})
	require.True(t, apierrors.IsBadRequest(err), "%v", err)

	code, body, _ := Do(ctx, t, cfg, http.MethodPost, issuesPath+"/"+name+"/resolve",
		[]byte(`{"apiVersion":"issues.kite.dev/v1alpha1","kind":"IssueReopening"}`))
	require.Equal(t, http.StatusBadRequest, code, "%s", body)
	require.Equal(t, before, revision(t, cfg))
}

// TestVerbOfAVersion: who decided by what an issue was changes none that has changed since.
func TestVerbOfAVersion(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	name := report(t, cfg, failed(1)).Issues[0].Name
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	seen := metav1.ObjectMeta{ResourceVersion: getIssue(t, cfg, name).ResourceVersion}
	report(t, cfg, failed(2))
	before := revision(t, cfg)

	_, err := client.Resolve(t.Context(), name, &v1alpha1.IssueResolution{ObjectMeta: seen}, metav1.CreateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
	_, err = client.Acknowledge(t.Context(), name, &v1alpha1.IssueAcknowledgement{ObjectMeta: seen}, metav1.CreateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.Equal(t, before, revision(t, cfg))

	seen.ResourceVersion = getIssue(t, cfg, name).ResourceVersion
	resolved, err := client.Resolve(t.Context(), name, &v1alpha1.IssueResolution{ObjectMeta: seen}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateResolved, resolved.Status.State)
	_, err = client.Reopen(t.Context(), name, &v1alpha1.IssueReopening{ObjectMeta: seen}, metav1.CreateOptions{})
	require.True(t, apierrors.IsConflict(err), "%v", err)
}
