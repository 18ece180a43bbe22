// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

func batch(n int) []report.Report {
	out := make([]report.Report, n)
	for i := range out {
		out[i] = report.Report{Namespace: "team-gamma", Spec: problem()}
		out[i].Spec.Outcome = issuesv1alpha1.OutcomeFailed
		out[i].Spec.Issue.Scope.Name = fmt.Sprintf("build-%d", i)
	}
	return out
}

// crowd is a server that holds each report until as many are under way as may be: a batch
// that sends fewer at once does not end.
type crowd struct {
	mu            sync.Mutex
	underway, max int
	full          chan struct{}
}

func (c *crowd) IssueReports(string) issuesclient.IssueReportInterface { return c }

func (c *crowd) Create(_ context.Context, sent *issuesv1alpha1.IssueReport, _ metav1.CreateOptions) (*issuesv1alpha1.IssueReport, error) {
	c.count(1)
	defer c.count(-1)
	<-c.full
	name := sent.Spec.Issue.Scope.Name
	if name == "build-7" {
		return nil, apierrors.NewForbidden(reports, "", errors.New("no"))
	}
	return &issuesv1alpha1.IssueReport{Status: issuesv1alpha1.IssueReportStatus{
		Issues: []issuesv1alpha1.ReportedObject{{Name: name}},
	}}, nil
}

func (c *crowd) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underway += n
	if c.underway > c.max {
		c.max = c.underway
		if c.max == 32 {
			close(c.full)
		}
	}
}

// TestBatch: every report has its own answer, in order, and not all are sent at once.
func TestBatch(t *testing.T) {
	t.Parallel()
	c := &crowd{full: make(chan struct{})}
	answers := report.New(c).Batch(t.Context(), batch(48))
	require.Len(t, answers, 48)
	for i, answer := range answers {
		if i == 7 {
			require.True(t, apierrors.IsForbidden(answer.Err))
			continue
		}
		require.NoError(t, answer.Err)
		require.Equal(t, fmt.Sprintf("build-%d", i), answer.Status.Issues[0].Name)
	}
	require.Equal(t, 32, c.max)
}

func TestBatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := fake.NewClientset()
	for _, answer := range report.New(client.IssuesV1alpha1()).Batch(ctx, batch(3)) {
		require.ErrorIs(t, answer.Err, context.Canceled)
	}
	require.Empty(t, client.Actions())
	require.Empty(t, report.New(client.IssuesV1alpha1()).Batch(t.Context(), nil))
}
