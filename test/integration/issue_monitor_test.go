// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/limit"
)

// jobReaders may do all with monitors; lead may read jobs everywhere, member in the
// namespace, and nobody else.
var jobReaders = authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	user := a.GetUser().GetName()
	if a.GetAPIGroup() != "batch" || user == "lead" || user == "member" && a.GetNamespace() == namespace {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
})

func monitorSpec() v1alpha1.IssueMonitorSpec {
	return v1alpha1.IssueMonitorSpec{
		Resource: v1alpha1.MonitoredResource{Group: "batch", Version: "v1", Kind: "CronJob"},
		Failing:  `object.?status.?failed.orValue(0) > 0`,
		Issue: v1alpha1.IssueTemplate{
			Type: v1alpha1.TypeRuntime, Severity: v1alpha1.SeverityMajor, Title: `"Job " + object.metadata.name + " fails"`,
		},
	}
}

func newMonitor(name string) *v1alpha1.IssueMonitor {
	return &v1alpha1.IssueMonitor{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: monitorSpec()}
}

// TestMonitor lives: it is stored with its defaults, its controller writes its status
// only, and its author its spec only.
func TestMonitor(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	monitors := Client(t, cfg).IssuesV1alpha1().IssueMonitors(namespace)
	created, err := monitors.Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, "cronjobs", created.Spec.Resource.Resource)
	require.EqualValues(t, 1, created.Generation)

	seen := created.DeepCopy()
	seen.Spec.Failing = "true"
	seen.Status = v1alpha1.IssueMonitorStatus{ObservedGeneration: 1, Watched: 7, Failing: 2}
	seen, err = monitors.UpdateStatus(t.Context(), seen, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, created.Spec, seen.Spec)
	require.EqualValues(t, 7, seen.Status.Watched)

	changed, err := monitors.Patch(t.Context(), "jobs", types.MergePatchType,
		[]byte(`{"spec":{"for":"10m"},"status":{"watched":9}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 2, changed.Generation)
	require.Equal(t, seen.Status, changed.Status)
	require.Equal(t, "10m0s", changed.Spec.For.Duration.String())

	content, err := Client(t, cfg).IssuesV1alpha1().RESTClient().Get().Namespace(namespace).Resource("issuemonitors").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	require.NoError(t, err)
	var table metav1.Table
	require.NoError(t, json.Unmarshal(content, &table))
	require.Equal(t, []any{"jobs", "CronJob", "runtime", "major", "<unknown>"}, table.Rows[0].Cells[:5])

	require.NoError(t, monitors.Delete(t.Context(), "jobs", metav1.DeleteOptions{}))
}

// TestMonitorOfBadExpressions is refused with the place of each.
func TestMonitorOfBadExpressions(t *testing.T) {
	t.Parallel()
	monitors := Client(t, StartServer(t)).IssuesV1alpha1().IssueMonitors(namespace)
	bad := newMonitor("jobs")
	bad.Spec.Failing, bad.Spec.Issue.Key = "object.a ==\n)", "1"
	_, err := monitors.Create(t.Context(), bad, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"spec.failing", "spec.issue.key"}, fieldsOf(t, err))
	require.ErrorContains(t, err, "line 2, column 1: Syntax error")
	require.ErrorContains(t, err, "line 1, column 1: must give string, but gives int")
}

// TestMonitorsAreFew: a namespace has so many and no more; an apply creates, too.
func TestMonitorsAreFew(t *testing.T) {
	t.Parallel()
	api := Client(t, StartServer(t)).IssuesV1alpha1()
	monitors := api.IssueMonitors(namespace)
	for i := range limit.PerNamespace {
		_, err := monitors.Create(t.Context(), newMonitor(fmt.Sprintf("jobs-%d", i)), metav1.CreateOptions{})
		require.NoError(t, err)
	}
	const full = `namespace "team-gamma" has 100 of them, the most that it can have: delete one first`
	_, err := monitors.Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, full)
	_, err = monitors.Patch(t.Context(), "jobs", types.ApplyPatchType, mustJSON(t, applied()), metav1.PatchOptions{FieldManager: "x"})
	require.ErrorContains(t, err, full)

	elsewhere := newMonitor("jobs")
	elsewhere.Namespace = "team-delta"
	_, err = api.IssueMonitors("team-delta").Create(t.Context(), elsewhere, metav1.CreateOptions{})
	require.NoError(t, err, "each namespace has its own")
	require.NoError(t, monitors.Delete(t.Context(), "jobs-7", metav1.DeleteOptions{}))
	_, err = monitors.Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{})
	require.NoError(t, err)
}

// TestMonitorNeedsItsAuthorsRights, whichever way it is written.
func TestMonitorNeedsItsAuthorsRights(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithAuthorizer(jobReaders))
	lead, member, guest := Client(t, As(cfg, "lead")).IssuesV1alpha1(), Client(t, As(cfg, "member")).IssuesV1alpha1(),
		Client(t, As(cfg, "guest")).IssuesV1alpha1()
	everywhere := &v1alpha1.ClusterIssueMonitor{ObjectMeta: metav1.ObjectMeta{Name: "jobs"}, Spec: monitorSpec()}

	_, err := guest.IssueMonitors(namespace).Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	require.ErrorContains(t, err, `user "guest" needs the right to get, list, watch them in namespace "team-gamma"`)
	_, err = guest.IssueMonitors(namespace).Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = guest.IssueMonitors(namespace).Patch(t.Context(), "jobs", types.ApplyPatchType, mustJSON(t, applied()), metav1.PatchOptions{FieldManager: "x"})
	require.True(t, apierrors.IsForbidden(err), "an apply creates: %v", err)

	_, err = member.IssueMonitors(namespace).Create(t.Context(), newMonitor("jobs"), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = member.ClusterIssueMonitors().Create(t.Context(), everywhere, metav1.CreateOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = lead.ClusterIssueMonitors().Create(t.Context(), everywhere, metav1.CreateOptions{})
	require.NoError(t, err)

	_, err = guest.IssueMonitors(namespace).Patch(t.Context(), "jobs", types.MergePatchType,
		[]byte(`{"spec":{"issue":{"title":"string(object.spec)"}}}`), metav1.PatchOptions{})
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = guest.IssueMonitors(namespace).Patch(t.Context(), "jobs", types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
	require.NoError(t, err, "labels show nothing")
}

// applied is a monitor as server-side apply takes it.
func applied() *v1alpha1.IssueMonitor {
	out := newMonitor("jobs")
	out.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "IssueMonitor"}
	return out
}

// TestMonitorOfSecrets is for nobody.
func TestMonitorOfSecrets(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	everywhere := &v1alpha1.ClusterIssueMonitor{ObjectMeta: metav1.ObjectMeta{Name: "jobs"}, Spec: monitorSpec()}
	everywhere.Spec.Resource = v1alpha1.MonitoredResource{Version: "v1", Kind: "Secret"}
	_, err := Client(t, cfg).IssuesV1alpha1().ClusterIssueMonitors().Create(t.Context(), everywhere, metav1.CreateOptions{})
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	require.Equal(t, []string{"spec.resource.resource"}, fieldsOf(t, err))

	own := newMonitor("jobs")
	own.Namespace = "kite-system"
	code, _, _ := Do(t.Context(), t, cfg, http.MethodPost, groupPath+"/namespaces/kite-system/issuemonitors", mustJSON(t, own))
	require.Equal(t, http.StatusUnprocessableEntity, code)
}
