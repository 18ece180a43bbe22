// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kite.dev/kite/pkg/report"
)

// resultSkipped is the result of what there is nothing to report of.
const resultSkipped = "Skipped"

// Item is a part of a request that is reported by itself.
type Item struct {
	// Field is where the request has it, such as alerts[3].
	Field string
	// Report is what it says, unless there is nothing to report.
	Report report.Report
	// Skipped says why there is nothing to report.
	Skipped string
}

// Outcome is what became of an item.
type Outcome struct {
	Field     string `json:"field"`
	Namespace string `json:"namespace,omitempty"`
	// Result is the API's, or Skipped, or Failed.
	Result string `json:"result"`
	Issue  string `json:"issue,omitempty"`
	Detail string `json:"detail,omitempty"`

	problem *Problem
}

// Deliver reports the items of a request, and answers with what became of each: 200 when
// all were taken, 207 when some will never be.
func Deliver(w http.ResponseWriter, r *http.Request, reporter Reporter, items []Item) error {
	outcomes, err := ReportAll(r.Context(), reporter, items)
	if err != nil {
		return err
	}
	return WriteOutcomes(w, outcomes)
}

// ReportAll reports the items of a request. When none was taken, or a repetition can help,
// all of the request is refused: what was taken already counts once.
func ReportAll(ctx context.Context, reporter Reporter, items []Item) ([]Outcome, error) {
	outcomes := deliver(ctx, reporter, items)
	return outcomes, refusalOf(outcomes)
}

// AllTaken says whether none failed.
func AllTaken(outcomes []Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.problem != nil })
}

// WriteOutcomes answers with what became of each item.
func WriteOutcomes(w http.ResponseWriter, outcomes []Outcome) error {
	status := http.StatusOK
	if !AllTaken(outcomes) {
		status = http.StatusMultiStatus
	}
	return WriteJSON(w, status, map[string]any{"results": outcomes})
}

func deliver(ctx context.Context, reporter Reporter, items []Item) []Outcome {
	outcomes := make([]Outcome, len(items))
	var reports []report.Report
	var of []*Outcome
	for i := range items {
		outcomes[i] = Outcome{Field: items[i].Field, Result: resultSkipped, Detail: items[i].Skipped}
		if items[i].Skipped == "" {
			outcomes[i].Namespace = items[i].Report.Namespace
			reports, of = append(reports, items[i].Report), append(of, &outcomes[i])
		}
	}
	if namespace := namespaceOf(reports); namespace != "" {
		LogNamespace(ctx, namespace)
	}
	for i, answer := range reporter.Batch(ctx, reports) {
		of[i].set(&answer)
	}
	return outcomes
}

// namespaceOf is the one namespace that reports are for, or "".
func namespaceOf(reports []report.Report) string {
	if len(reports) == 0 || slices.ContainsFunc(reports, func(r report.Report) bool { return r.Namespace != reports[0].Namespace }) {
		return ""
	}
	return reports[0].Namespace
}

func (o *Outcome) set(answer *report.Answer) {
	if answer.Err != nil {
		o.problem = ProblemOf(answer.Err)
		o.Result, o.Detail = "Failed", o.problem.Detail
		return
	}
	o.Result = string(answer.Status.Result)
	if len(answer.Status.Issues) > 0 {
		o.Issue = answer.Status.Issues[0].Name
	}
}

// refusalOf is nil when a part of the request was taken, and nothing is gained by sending
// it again.
func refusalOf(outcomes []Outcome) error {
	var failed []*Outcome
	sent := 0
	for i := range outcomes {
		if outcomes[i].problem != nil {
			failed = append(failed, &outcomes[i])
		}
		if outcomes[i].Result != resultSkipped {
			sent++
		}
	}
	if len(failed) == 0 {
		return nil
	}
	worst, pause := failed[0].problem, time.Duration(0)
	for _, o := range failed {
		pause = max(pause, o.problem.RetryAfter)
		if o.problem.Retriable() && !worst.Retriable() {
			worst = o.problem
		}
	}
	if !worst.Retriable() && len(failed) < sent {
		return nil
	}
	return together(worst, failed, len(outcomes), pause)
}

func together(worst *Problem, failed []*Outcome, total int, pause time.Duration) error {
	out := &Problem{
		Status: worst.Status, RetryAfter: pause, Cause: worst.Cause,
		Detail: fmt.Sprintf("%d of %d were not reported: %s", len(failed), total, worst.Detail),
	}
	for _, o := range failed {
		out.Errors = append(out.Errors, FieldError{Field: o.Field, Detail: o.Detail})
		for _, e := range o.problem.Errors {
			out.Errors = append(out.Errors, FieldError{Field: strings.Join([]string{o.Field, e.Field}, ": "), Detail: e.Detail})
		}
	}
	return out
}
