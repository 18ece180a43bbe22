// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// newLarge is an issue with so many labels, all of one size.
func newLarge(labels int) *v1alpha1.Issue {
	issue := newIssue("large")
	issue.Namespace, issue.Spec.GroupKey, issue.Labels = "a-full", cve, map[string]string{}
	for n := range labels {
		issue.Labels[fmt.Sprintf("label-%05d", n)] = strings.Repeat("x", 60)
	}
	return issue
}

// createFull creates an issue that is so large that one more label would be refused. How
// large each is, is what refusals of larger ones say.
func createFull(t *testing.T, client issuesclient.IssueInterface) {
	t.Helper()
	size := func(labels int) int {
		_, err := client.Create(t.Context(), newLarge(labels), metav1.CreateOptions{})
		require.True(t, apierrors.IsRequestEntityTooLargeError(err), "%v", err)
		var bytes int
		_, says, _ := strings.Cut(err.Error(), "the object takes ")
		_, err = fmt.Sscanf(says, "%d bytes", &bytes)
		require.NoError(t, err, says)
		return bytes
	}
	const many = 14_000
	large := size(many)
	each := size(many+1) - large
	_, err := client.Create(t.Context(), newLarge(many-(large-1<<20+each-1)/each), metav1.CreateOptions{})
	require.NoError(t, err)
}

// TestFullMember: a team that leaves its issue no room to be resolved keeps no other
// team's from it, and whoever reports learns neither its name nor its namespace.
func TestFullMember(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	createFull(t, Client(t, cfg).IssuesV1alpha1().Issues("a-full"))
	for i, namespace := range []string{"b", "c"} {
		reportIn(t, cfg, namespace, outage{namespace, "component", "Broken"}.report(v1alpha1.OutcomeFailed, i))
	}
	report := groupReport(cve, 0)
	report.Spec.ObservedAt = &metav1.MicroTime{Time: time.Now().Add(time.Minute)}
	_, err := Client(t, cfg).IssuesV1alpha1().IssueGroupReports().Create(t.Context(), report, metav1.CreateOptions{})
	require.True(t, apierrors.IsInternalError(err), "%v", err)
	require.ErrorContains(t, err, "2 members were resolved, 1 could not be")
	require.NotContains(t, err.Error(), "a-full")
	require.NotContains(t, err.Error(), "large")
	group := getGroup(t, cfg, cve)
	require.Equal(t, []int32{1, 3}, []int32{group.Status.Active, group.Status.Total})
}
