// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"

	"golang.org/x/sync/errgroup"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// batchConcurrency is how many reports of a batch are under way at once: enough that the
// server puts those of one problem into one write, and few beside a client's own limits.
const batchConcurrency = 32

// Report is one observation. Its Spec.Outcome is required.
type Report struct {
	Namespace string
	Spec      issuesv1alpha1.IssueReportSpec
}

// Answer is what became of a Report: Status, or why it has none.
type Answer struct {
	Status issuesv1alpha1.IssueReportStatus
	Err    error
}

// Batch sends reports of any namespaces and problems, 32 at a time, each as Failed and
// Succeeded send one. The answers are in the order of the reports; one that fails stops no
// other. Reports of one problem need no order: the server goes by the times of observation.
// When ctx ends, reports that were not sent have its error.
func (r *Reporter) Batch(ctx context.Context, reports []Report) []Answer {
	answers := make([]Answer, len(reports))
	var sending errgroup.Group
	sending.SetLimit(batchConcurrency)
	for i := range reports {
		sending.Go(func() error {
			if answers[i].Err = ctx.Err(); answers[i].Err == nil {
				answers[i].Status, answers[i].Err = r.send(ctx, reports[i].Namespace, reports[i].Spec)
			}
			return nil
		})
	}
	_ = sending.Wait() // each answer has its error
	return answers
}
