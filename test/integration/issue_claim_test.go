// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	apply "kite.dev/kite/pkg/generated/applyconfiguration/issues/v1alpha1"
)

// requireHolder checks the refusal of a second Active issue of one identity.
func requireHolder(t *testing.T, err error, holder string) {
	t.Helper()
	require.True(t, apierrors.IsConflict(err), "%v", err)
	status := statusOf(t, err)
	require.Equal(t, metav1.StatusReasonConflict, status.Reason)
	require.Equal(t, holder, status.Details.Name)
	require.Equal(t, "issues", status.Details.Kind)
	require.Len(t, status.Details.Causes, 1)
	require.Equal(t, metav1.CauseTypeFieldValueDuplicate, status.Details.Causes[0].Type)
}

func TestSecondActiveIssue(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	_, err := client.Create(ctx, reportedByHand("holder"), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Create(ctx, newIssue("other"), metav1.CreateOptions{})
	require.NoError(t, err, "another identity")

	for how, dryRun := range map[string][]string{"write": nil, "dry run": {metav1.DryRunAll}} {
		_, err = client.Create(ctx, reportedByHand("second"), metav1.CreateOptions{DryRun: dryRun})
		requireHolder(t, err, "holder")

		generated := reportedByHand("")
		generated.GenerateName = "build-"
		_, err = client.Create(ctx, generated, metav1.CreateOptions{DryRun: dryRun})
		requireHolder(t, err, "holder")

		applied := apply.Issue("applied", namespace).WithSpec(apply.IssueSpec().WithTitle("Build fails").
			WithType(v1alpha1.TypeBuild).WithSeverity(v1alpha1.SeverityMajor).WithStage(v1alpha1.StagePush).
			WithScope(apply.IssueScope().WithKind("Component").WithName("checkout")))
		_, err = client.Apply(ctx, applied, metav1.ApplyOptions{FieldManager: "ci", DryRun: dryRun})
		requireHolder(t, err, "holder")

		same := reportedByHand("holder")
		_, err = client.Create(ctx, same, metav1.CreateOptions{DryRun: dryRun})
		require.True(t, apierrors.IsAlreadyExists(err), "%s of the same name: %v", how, err)
	}

	generated := newIssue("third")
	generated.Name, generated.GenerateName = "", "build-"
	created, err := client.Create(ctx, generated, metav1.CreateOptions{})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(created.Name, "build-"), created.Name)

	holder := getIssue(t, cfg, "holder")
	holder.Spec.Title = "Other"
	for _, dryRun := range [][]string{{metav1.DryRunAll}, nil} {
		_, err = client.Update(ctx, holder, metav1.UpdateOptions{DryRun: dryRun})
		require.NoError(t, err, "an issue does not stand in its own way")
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 3, "nothing is half-written")
}

func TestReopenRunsIntoTheClaim(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	client := Client(t, cfg).IssuesV1alpha1().Issues(namespace)
	ctx := t.Context()
	_, err := client.Create(ctx, reportedByHand("first"), metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Resolve(ctx, "first", &v1alpha1.IssueResolution{}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.Create(ctx, reportedByHand("second"), metav1.CreateOptions{})
	require.NoError(t, err, "the claim is free again")

	before := revision(t, cfg)
	for _, dryRun := range [][]string{{metav1.DryRunAll}, nil} {
		_, err = client.Reopen(ctx, "first", &v1alpha1.IssueReopening{}, metav1.CreateOptions{DryRun: dryRun})
		requireHolder(t, err, "second")
	}
	require.Equal(t, before, revision(t, cfg))

	require.NoError(t, client.Delete(ctx, "second", metav1.DeleteOptions{}))
	reopened, err := client.Reopen(ctx, "first", &v1alpha1.IssueReopening{}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Equal(t, v1alpha1.StateActive, reopened.Status.State)
}
