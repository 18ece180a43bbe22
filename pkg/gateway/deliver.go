// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
	// Err is why no report could be made of it.
	Err error
}

// Outcome is what became of an item.
type Outcome struct {
	Field     string `json:"field"`
	Namespace string `json:"namespace,omitempty"`
	// Result is the API's, or Skipped.
	Result string `json:"result"`
	Issue  string `json:"issue,omitempty"`
	Detail string `json:"detail,omitempty"`

	problem *Problem
}

// Deliver reports the items of a request, and answers with what became of each.
func Deliver(w http.ResponseWriter, r *http.Request, reporter Reporter, items []Item) error {
	outcomes, err := ReportAll(r.Context(), reporter, items)
	if err != nil {
		return err
	}
	return WriteJSON(w, http.StatusOK, map[string]any{"results": outcomes})
}

// ReportAll reports the items of a request: all that can be reported. An answer of success
// means that every item was taken. Otherwise the request is refused, and the refusal names
// the items that were not taken. It has the status of one of which sending the request again
// can help, where there is one, else of the first: what was taken counts once.
func ReportAll(ctx context.Context, reporter Reporter, items []Item) ([]Outcome, error) {
	outcomes := deliver(ctx, reporter, items)
	return outcomes, refusalOf(outcomes)
}

func deliver(ctx context.Context, reporter Reporter, items []Item) []Outcome {
	outcomes := make([]Outcome, len(items))
	var reports []report.Report
	var of []*Outcome
	for i := range items {
		outcomes[i] = Outcome{Field: items[i].Field, Result: resultSkipped, Detail: items[i].Skipped}
		switch {
		case items[i].Err != nil:
			outcomes[i].set(&report.Answer{Err: items[i].Err})
		case items[i].Skipped == "":
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
		return
	}
	o.Result = string(answer.Status.Result)
	if len(answer.Status.Issues) > 0 {
		o.Issue = answer.Status.Issues[0].Name
	}
}

// refusalOf is nil when every item was taken.
func refusalOf(outcomes []Outcome) error {
	var worst *Problem
	var pause time.Duration
	var fields []FieldError
	failed := 0
	for i := range outcomes {
		p := outcomes[i].problem
		if p == nil {
			continue
		}
		failed++
		pause = max(pause, p.RetryAfter)
		fields = append(fields, fieldsOf(outcomes[i].Field, p)...)
		if worst == nil || p.Retriable() && !worst.Retriable() {
			worst = p
		}
	}
	if worst == nil {
		return nil
	}
	if worst.Retriable() {
		pause = max(pause, time.Second) // others may wait as well
	}
	return &Problem{
		Status: worst.Status, RetryAfter: pause, Cause: worst.Cause, Errors: fields,
		Detail: fmt.Sprintf("%d of %d were not reported: %s", failed, len(outcomes), worst.Detail),
	}
}

// fieldsOf is all that is wrong with an item.
func fieldsOf(item string, p *Problem) []FieldError {
	if len(p.Errors) == 0 {
		return []FieldError{{Field: item, Detail: p.Detail}}
	}
	out := make([]FieldError, 0, len(p.Errors))
	for _, e := range p.Errors {
		out = append(out, FieldError{Field: item + "." + e.Field, Detail: e.Detail})
	}
	return out
}
