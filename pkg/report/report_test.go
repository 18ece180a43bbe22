// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clienttesting "k8s.io/client-go/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
	"kite.dev/kite/pkg/report"
)

var reports = schema.GroupResource{Group: issuesv1alpha1.GroupName, Resource: "issuereports"}

// server answers each report with the next error, then with success.
type server struct {
	refusals []error
	got      []*issuesv1alpha1.IssueReport
}

func (s *server) reporter(options ...report.Option) *report.Reporter {
	client := &fake.Clientset{}
	client.AddReactor("create", "issuereports", func(action clienttesting.Action) (bool, runtime.Object, error) {
		sent := action.(clienttesting.CreateAction).GetObject().(*issuesv1alpha1.IssueReport)
		s.got = append(s.got, sent.DeepCopy())
		if n := len(s.got); n <= len(s.refusals) {
			return true, nil, s.refusals[n-1]
		}
		answer := sent.DeepCopy()
		answer.Status.Result = issuesv1alpha1.ResultCreated
		return true, answer, nil
	})
	return report.New(client.IssuesV1alpha1(), options...)
}

func problem() issuesv1alpha1.IssueReportSpec {
	return issuesv1alpha1.IssueReportSpec{Issue: issuesv1alpha1.ReportedIssue{
		Type: issuesv1alpha1.TypePipeline, Scope: issuesv1alpha1.IssueScope{Kind: "Pipeline", Name: "web-build"},
	}}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := &server{}
	r := s.reporter()

	answer, err := r.Failed(t.Context(), "team-gamma", problem())
	require.NoError(t, err)
	require.Equal(t, issuesv1alpha1.ResultCreated, answer.Result)
	_, err = r.Succeeded(t.Context(), "team-gamma", problem())
	require.NoError(t, err)

	require.Len(t, s.got, 2)
	require.Equal(t, issuesv1alpha1.OutcomeFailed, s.got[0].Spec.Outcome)
	require.Equal(t, issuesv1alpha1.OutcomeSucceeded, s.got[1].Spec.Outcome)
	require.NotNil(t, s.got[0].Spec.ObservedAt, "an observation without a time is made now")
}

func TestRetries(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason   string
		refusals []error
		attempts int
		atLeast  time.Duration
		err      bool
	}{
		"Unavailable": {
			reason:   "the database is down for a moment",
			refusals: []error{apierrors.NewServiceUnavailable("database"), apierrors.NewServiceUnavailable("database")},
			attempts: 3,
		},
		"RetryAfter": {
			reason:   "the server's own pause is kept to when it is longer",
			refusals: []error{apierrors.NewTooManyRequests("busy", 7)},
			attempts: 2,
			atLeast:  7 * time.Second,
		},
		"Conflict": {
			reason:   "another replica wrote the issue at the same time",
			refusals: []error{apierrors.NewConflict(reports, "x", errors.New("changed"))},
			attempts: 2,
		},
		"ConnectionRefused": {
			reason:   "kube-apiserver restarts",
			refusals: []error{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}},
			attempts: 2,
		},
		"Invalid": {
			reason: "the same report will be refused again",
			refusals: []error{apierrors.NewInvalid(
				issuesv1alpha1.SchemeGroupVersion.WithKind("IssueReport").GroupKind(), "", nil)},
			attempts: 1, err: true,
		},
		"Forbidden": {
			reason:   "rights do not come by asking again",
			refusals: []error{apierrors.NewForbidden(reports, "", errors.New("no"))},
			attempts: 1, err: true,
		},
		"Bounded": {
			reason: "a server that stays away is left to the caller",
			refusals: []error{
				apierrors.NewServiceUnavailable("1"), apierrors.NewServiceUnavailable("2"),
				apierrors.NewServiceUnavailable("3"), apierrors.NewServiceUnavailable("4"),
			},
			attempts: 4, err: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{refusals: tc.refusals}
				start := time.Now()
				_, err := s.reporter(report.WithBackoff(wait.Backoff{Duration: time.Second, Factor: 2, Steps: 4})).
					Failed(t.Context(), "team-gamma", problem())
				require.Equal(t, tc.err, err != nil, "%s: %v", tc.reason, err)
				require.Len(t, s.got, tc.attempts, tc.reason)
				require.GreaterOrEqual(t, time.Since(start), tc.atLeast, tc.reason)
				for _, sent := range s.got {
					require.Equal(t, s.got[0].Spec.ObservedAt, sent.Spec.ObservedAt,
						"every attempt is the same observation")
				}
			})
		})
	}
}

// TestErrorsName what a report is about, and nothing else where it is about nothing.
func TestErrorsName(t *testing.T) {
	t.Parallel()
	for want, spec := range map[string]issuesv1alpha1.IssueReportSpec{
		"report Failed of Pipeline web-build in namespace team: away": problem(),
		"report Failed in namespace team: away":                       {},
	} {
		s := &server{refusals: []error{errors.New("away")}}
		_, err := s.reporter().Failed(t.Context(), "team", spec)
		require.EqualError(t, err, want)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{refusals: []error{apierrors.NewTooManyRequests("busy", 3600)}}
		start := time.Now()
		_, err := s.reporter(report.WithTimeout(5*time.Second)).Failed(t.Context(), "team-gamma", problem())
		require.True(t, apierrors.IsTooManyRequests(err), "the last refusal says why: %v", err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &server{refusals: []error{apierrors.NewServiceUnavailable("database")}}
	_, err := s.reporter().Failed(ctx, "team-gamma", problem())
	require.Error(t, err)
	require.Len(t, s.got, 1)
}

func TestObservedAtIsKept(t *testing.T) {
	t.Parallel()
	at := metav1.NewMicroTime(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	spec := problem()
	spec.ObservedAt = &at
	s := &server{}
	_, err := s.reporter().Failed(t.Context(), "team-gamma", spec)
	require.NoError(t, err)
	require.True(t, at.Time.Equal(s.got[0].Spec.ObservedAt.Time))
}
