// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

var (
	requestsTotal = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: "gateway", Name: "requests_total", StabilityLevel: metrics.ALPHA,
		Help: "Requests by source and code of the answer; 499 is a sender that did not wait.",
	}, []string{"source", "code"})
	requestSeconds = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace: "kite", Subsystem: "gateway", Name: "request_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "How long requests took, from their header to the end of the answer.",
		Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
	}, []string{"source"})
	requestsInFlight = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "kite", Subsystem: "gateway", Name: "requests_in_flight", StabilityLevel: metrics.ALPHA,
		Help: "Requests that are worked on.",
	})
	reportsTotal = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace: "kite", Subsystem: "gateway", Name: "reports_total", StabilityLevel: metrics.ALPHA,
		Help: "Reports by source and what the API did with them; Failed ones got no answer or a refusal.",
	}, []string{"source", "result"})
)

func init() { //nolint:gochecknoinits // as in Kubernetes
	legacyregistry.MustRegister(requestsTotal, requestSeconds, requestsInFlight, reportsTotal)
}

// Reporter sends reports. *report.Reporter is one.
type Reporter interface {
	Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
	Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error)
	Batch(ctx context.Context, reports []report.Report) []report.Answer
}

var _ Reporter = (*report.Reporter)(nil)

// Counted counts the reports of a source.
func Counted(source string, next Reporter) Reporter { return counted{source, next} }

type counted struct {
	source string
	next   Reporter
}

// Failed implements Reporter.
func (c counted) Failed(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	status, err := c.next.Failed(ctx, namespace, spec)
	c.count(status, err)
	return status, err
}

// Succeeded implements Reporter.
func (c counted) Succeeded(ctx context.Context, namespace string, spec issuesv1alpha1.IssueReportSpec) (issuesv1alpha1.IssueReportStatus, error) {
	status, err := c.next.Succeeded(ctx, namespace, spec)
	c.count(status, err)
	return status, err
}

// Batch implements Reporter.
func (c counted) Batch(ctx context.Context, reports []report.Report) []report.Answer {
	answers := c.next.Batch(ctx, reports)
	for _, answer := range answers {
		c.count(answer.Status, answer.Err)
	}
	return answers
}

func (c counted) count(status issuesv1alpha1.IssueReportStatus, err error) {
	result := string(status.Result)
	if err != nil {
		result = "Failed"
	}
	reportsTotal.WithLabelValues(c.source, result).Inc()
}
