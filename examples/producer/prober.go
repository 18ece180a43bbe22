// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

// target is what is probed.
type target struct{ name, url string }

// reporter is the part of report.Reporter that is used, so that tests can take its place by
// reporttest.Recorder.
type reporter interface {
	Batch(ctx context.Context, reports []report.Report) []report.Answer
}

// prober asks targets and reports what it finds.
type prober struct {
	namespace string
	targets   []target
	http      *http.Client
	kite      reporter
	output    io.Writer
}

// run probes until ctx ends. Recoveries are reported in each round, not only after a failure
// that this process has seen: so a restart loses none. The server answers Unchanged to those
// that change nothing, and writes nothing.
func (p *prober) run(ctx context.Context, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		p.round(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// round probes all targets and sends what it found in one batch. What cannot be sent is
// found again in the next round.
func (p *prober) round(ctx context.Context) {
	reports := make([]report.Report, 0, len(p.targets))
	for _, t := range p.targets {
		reports = append(reports, report.Report{Namespace: p.namespace, Spec: observation(t, p.probe(ctx, t))})
	}
	for i, answer := range p.kite.Batch(ctx, reports) {
		if answer.Err != nil {
			_, _ = fmt.Fprintf(p.output, "%s: %v\n", p.targets[i].name, answer.Err)
			continue
		}
		_, _ = fmt.Fprintf(p.output, "%s: %s %s\n", p.targets[i].name, reports[i].Spec.Outcome, answer.Status.Result)
	}
}

func (p *prober) probe(ctx context.Context, t target) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := p.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answers %s", t.url, response.Status)
	}
	return nil
}

// observation says what problem this is: type, scope and key tell it from all others, for a
// failure and for its recovery alike. The rest is for people.
func observation(t target, failure error) issuesv1alpha1.IssueReportSpec {
	spec := issuesv1alpha1.IssueReportSpec{
		Outcome: issuesv1alpha1.OutcomeSucceeded,
		Issue: issuesv1alpha1.ReportedIssue{
			Type:  issuesv1alpha1.TypeRuntime,
			Scope: issuesv1alpha1.IssueScope{Kind: "Service", Name: t.name},
			Key:   "NotAnswering",
		},
	}
	if failure != nil {
		spec.Outcome = issuesv1alpha1.OutcomeFailed
		spec.Issue.Severity = issuesv1alpha1.SeverityMajor
		spec.Issue.Title = t.name + " does not answer"
		spec.Issue.Description = failure.Error()
		spec.Issue.Links = []issuesv1alpha1.IssueLink{{Title: "Probed address", URL: t.url, Kind: issuesv1alpha1.LinkOther}}
	}
	return spec
}
