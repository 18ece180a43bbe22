// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// quotaOf allows so many issues.
type quotaOf struct {
	left  int
	asked []admission.Attributes
}

func (*quotaOf) Handles(operation admission.Operation) bool { return operation == admission.Create }

func (q *quotaOf) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	q.asked = append(q.asked, a)
	if q.left == 0 {
		return admission.NewForbidden(a, errors.New("exceeded quota"))
	}
	if !a.IsDryRun() {
		q.left--
	}
	return nil
}

func TestQuota(t *testing.T) {
	t.Parallel()
	store, quota := newFakeStore(), &quotaOf{left: 1}
	r := newREST(store)
	r.quota = quota
	send(t, r, "robot", failed(1), metav1.DryRunAll)
	require.Equal(t, issues.ResultCreated, send(t, r, "robot", failed(1)).Result)
	require.Len(t, quota.asked, 2)
	asked := quota.asked[1]
	require.Equal(t, v1alpha1.SchemeGroupVersion.WithResource("issues"), asked.GetResource())
	require.Equal(t, testNamespace, asked.GetNamespace())
	require.Equal(t, names(failed(1))[0], asked.GetName())
	require.Equal(t, "robot", asked.GetUserInfo().GetName())
	require.IsType(t, &issues.Issue{}, asked.GetObject())

	other := failed(2)
	other.Spec.Issue.Key = "other"
	_, err := trySend(t, r, "robot", other)
	require.True(t, apierrors.IsForbidden(err), "%v", err)
	_, err = trySend(t, r, "robot", other, metav1.DryRunAll)
	require.True(t, apierrors.IsForbidden(err), "a dry run says so, too: %v", err)
	require.Equal(t, 1, store.writes)

	require.Equal(t, issues.ResultUpdated, send(t, r, "robot", failed(3)).Result, "an issue that is there costs nothing")
	require.Equal(t, issues.ResultResolved, send(t, r, "robot", succeeded(4)).Result)
}

// TestFullNamespaceConcernsFailuresAlone: a recovery that waits with a failure opens
// nothing, and so nothing forbids it.
func TestFullNamespaceConcernsFailuresAlone(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.refuse = func(issue *issues.Issue) error {
		return apierrors.NewForbidden(issues.Resource("issues"), issue.Name, errors.New("exceeded quota"))
	}
	batch := []*entry{entryOf(failed(1)), entryOf(succeeded(2)), entryOf(failed(3))}
	newREST(store).apply(t.Context(), identityOf(batch[0]), batch, nil)
	require.True(t, apierrors.IsForbidden(batch[0].err), "%v", batch[0].err)
	require.NoError(t, batch[1].err)
	require.Equal(t, issues.ResultUnchanged, batch[1].status.Result)
	require.True(t, apierrors.IsForbidden(batch[2].err), "%v", batch[2].err)
}
