// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package report tells Kite of a failure or a recovery in one call.
//
//	reporter := report.New(clientset.IssuesV1alpha1())
//	answer, err := reporter.Failed(ctx, "team-gamma", issuesv1alpha1.IssueReportSpec{
//		ObservedAt: &completed,
//		Issue:      problem,
//		Run:        &run,
//	})
//
// Batch sends many. Package reporttest takes the place of a Reporter in tests.
//
// A report may be sent any number of times: the server counts an observation
// once, by the run's UID or else by reporter and time of observation.
package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// DefaultTimeout bounds one call, with all its attempts.
const DefaultTimeout = 30 * time.Second

// Reporter sends reports. It is safe for concurrent use.
type Reporter struct {
	client  issuesclient.IssueReportsGetter
	clock   clock.Clock
	timeout time.Duration
	backoff wait.Backoff
}

// Option changes how a Reporter sends.
type Option func(*Reporter)

// WithTimeout bounds one call, with all its attempts. Defaults to
// DefaultTimeout.
func WithTimeout(timeout time.Duration) Option {
	return func(r *Reporter) { r.timeout = timeout }
}

// WithBackoff sets how often and how far apart attempts are made. Steps is the
// number of attempts. Defaults to 6 attempts, the second after 250 ms, each
// pause twice as long as the one before. A server that asks for a longer pause
// gets it.
func WithBackoff(backoff wait.Backoff) Option {
	return func(r *Reporter) { r.backoff = backoff }
}

// WithClock replaces the clock that gives an observation's time where the
// caller gave none, and that pauses wait on. Defaults to the real one.
func WithClock(clock clock.Clock) Option {
	return func(r *Reporter) { r.clock = clock }
}

// New returns a Reporter that acts with its client's rights: it needs create
// on issuereports in the namespaces that it reports to.
func New(client issuesclient.IssueReportsGetter, options ...Option) *Reporter {
	r := &Reporter{
		client:  client,
		clock:   clock.RealClock{},
		timeout: DefaultTimeout,
		backoff: wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 6},
	}
	for _, option := range options {
		option(r)
	}
	return r
}

// Failed reports that the problem is there. Without spec.ObservedAt the
// observation is made now.
func (r *Reporter) Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeFailed
	return r.send(ctx, namespace, spec)
}

// Succeeded reports that the problem is gone. The fields of the identity (type,
// scope, stage and key) suffice. Without spec.ObservedAt the observation is made
// now.
func (r *Reporter) Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeSucceeded
	return r.send(ctx, namespace, spec)
}

// send gives every attempt the same time of observation, so that one which the
// server took without our seeing the answer is not counted twice.
func (r *Reporter) send(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	if spec.ObservedAt == nil {
		now := metav1.NewMicroTime(r.clock.Now())
		spec.ObservedAt = &now
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()

	answer, err := r.attempt(ctx, namespace, &issuesv1alpha1.IssueReport{Spec: spec})
	if err != nil {
		return issuesv1alpha1.IssueReportStatus{}, fmt.Errorf("report %s: %w", subject(namespace, &spec), err)
	}
	return answer.Status, nil
}

// subject says for an error what a report is about, as far as it says so itself.
func subject(namespace string, spec *issuesv1alpha1.IssueReportSpec) string {
	words := []string{string(spec.Outcome)}
	if scope := spec.Issue.Scope; scope.Kind != "" || scope.Name != "" {
		words = append(words, "of", scope.Kind, scope.Name)
	}
	words = append(words, "in namespace", namespace)
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

func (r *Reporter) attempt(ctx context.Context, namespace string, report *issuesv1alpha1.IssueReport) (*issuesv1alpha1.IssueReport, error) {
	backoff := r.backoff
	for {
		answer, err := r.client.IssueReports(namespace).Create(ctx, report, metav1.CreateOptions{})
		if err == nil || !retriable(err) || backoff.Steps <= 1 {
			return answer, err
		}
		if !r.pause(ctx, max(backoff.Step(), askedPause(err))) {
			return nil, err
		}
	}
}

// pause returns false when the context ends first.
func (r *Reporter) pause(ctx context.Context, d time.Duration) bool {
	timer := r.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
