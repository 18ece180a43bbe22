// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package reporttest is for tests of programs that report.
package reporttest

import (
	"context"
	"slices"
	"sync"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

// Recorder keeps reports instead of sending them, and refuses those that the server
// would not understand, with the server's error. Its zero value is ready for use, by
// several goroutines at once.
type Recorder struct {
	// Err, when set, answers every report, which is not kept then.
	Err error
	// Status answers every other one.
	Status issuesv1alpha1.IssueReportStatus

	mu      sync.Mutex
	reports []report.Report
}

// Failed keeps the report of a failure.
func (r *Recorder) Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeFailed
	return r.keep(ctx, namespace, spec)
}

// Succeeded keeps the report of a recovery.
func (r *Recorder) Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	spec.Outcome = issuesv1alpha1.OutcomeSucceeded
	return r.keep(ctx, namespace, spec)
}

// Batch keeps reports of both outcomes.
func (r *Recorder) Batch(ctx context.Context, reports []report.Report) []report.Answer {
	answers := make([]report.Answer, len(reports))
	for i, sent := range reports {
		answers[i].Status, answers[i].Err = r.keep(ctx, sent.Namespace, sent.Spec)
	}
	return answers
}

// Reports returns what was kept, in order.
func (r *Recorder) Reports() []report.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.reports)
}

func (r *Recorder) keep(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Err != nil {
		return issuesv1alpha1.IssueReportStatus{}, r.Err
	}
	if err := validate(ctx, namespace, &spec); err != nil {
		return issuesv1alpha1.IssueReportStatus{}, err
	}
	r.reports = append(r.reports, report.Report{Namespace: namespace, Spec: spec})
	return r.Status, nil
}
