// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/issuewebhook"
	"kite.dev/kite/pkg/report"
)

// answer says what became of a delivery.
type answer struct {
	// Items is how many the delivery had.
	Items int `json:"items"`
	// Reports are those of items that failed or succeeded.
	Reports []reported `json:"reports"`
}

type reported struct {
	Item   int      `json:"item"`
	Result string   `json:"result"`
	Issues []string `json:"issues,omitempty"`
}

// report sends all that can be sent. Only a delivery of which every report was taken is
// answered with success.
func (w *Webhooks) report(ctx context.Context, out http.ResponseWriter, hook *hook, reporter gateway.Reporter, mapping issuewebhook.Mapping) error {
	reports, err := hook.reports(mapping)
	if err != nil {
		return err
	}
	answers := reporter.Batch(ctx, reports)
	if err := problemOf(mapping, answers); err != nil {
		return err
	}
	return gateway.WriteJSON(out, http.StatusOK, answerOf(mapping, answers))
}

// reports go to the webhook's own namespace, whatever the delivery says.
func (h *hook) reports(mapping issuewebhook.Mapping) ([]report.Report, error) {
	out := make([]report.Report, len(mapping.Reports))
	for i := range mapping.Reports {
		spec := &out[i].Spec
		if err := v1alpha1.Convert_issues_IssueReportSpec_To_v1alpha1_IssueReportSpec(&mapping.Reports[i].Spec, spec, nil); err != nil {
			return nil, err
		}
		spec.Source, out[i].Namespace = h.source(), h.Namespace
	}
	return out, nil
}

func answerOf(mapping issuewebhook.Mapping, answers []report.Answer) answer {
	out := answer{Items: mapping.Items, Reports: []reported{}}
	for i := range answers {
		one := reported{Item: mapping.Reports[i].Item, Result: string(answers[i].Status.Result)}
		for _, issue := range answers[i].Status.Issues {
			one.Issues = append(one.Issues, issue.Name)
		}
		out.Reports = append(out.Reports, one)
	}
	return out
}

// problemOf is nil if every item was worked on. A sender that can help by sending the same
// again is told so, whatever else is wrong: what was taken does not count twice.
func problemOf(mapping issuewebhook.Mapping, answers []report.Answer) error {
	failed := len(mapping.Errors)
	out := &gateway.Problem{Status: http.StatusUnprocessableEntity}
	for _, wrong := range mapping.Errors {
		out.Errors = append(out.Errors, fieldOf(wrong))
	}
	for i := range answers {
		if answers[i].Err == nil {
			continue
		}
		failed++
		problem := gateway.ProblemOf(answers[i].Err)
		if problem.Retriable() {
			return retry(problem)
		}
		if problem.Status != http.StatusUnprocessableEntity {
			out.Status = problem.Status
		}
		out.Errors = append(out.Errors, fieldsOfItem(mapping.Reports[i].Item, problem)...)
	}
	if failed == 0 {
		return nil
	}
	out.Detail = fmt.Sprintf("%d of %d items could not be reported", failed, mapping.Items)
	return out
}

// retry asks for a second at least: others may be waiting as well.
func retry(problem *gateway.Problem) error {
	again := *problem
	again.RetryAfter = max(again.RetryAfter, time.Second)
	return &again
}

func fieldOf(wrong *issuewebhook.ItemError) gateway.FieldError {
	if failed, ok := errors.AsType[*issuewebhook.Error](wrong); ok {
		return gateway.FieldError{Field: place(wrong.Item) + "." + failed.Path.String(), Detail: failed.Err.Error()}
	}
	return gateway.FieldError{Field: place(wrong.Item), Detail: wrong.Err.Error()}
}

func fieldsOfItem(item int, problem *gateway.Problem) []gateway.FieldError {
	if len(problem.Errors) == 0 {
		return []gateway.FieldError{{Field: place(item), Detail: problem.Detail}}
	}
	var out []gateway.FieldError
	for _, one := range problem.Errors {
		out = append(out, gateway.FieldError{Field: place(item) + "." + one.Field, Detail: one.Detail})
	}
	return out
}

func place(item int) string { return fmt.Sprintf("items[%d]", item) }
