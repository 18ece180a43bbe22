// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/issuewebhook"
)

// concurrency is how many reports of a delivery are under way at once.
const concurrency = 8

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

// outcome is what became of a report.
type outcome struct {
	status v1alpha1.IssueReportStatus
	err    error
}

// report sends all that can be sent. Only a delivery of which every report was taken is
// answered with success.
func (w *Webhooks) report(ctx context.Context, out http.ResponseWriter, hook *hook, reporter gateway.Reporter, mapping issuewebhook.Mapping) error {
	outcomes := make([]outcome, len(mapping.Reports))
	var sending errgroup.Group
	sending.SetLimit(concurrency)
	for i := range mapping.Reports {
		sending.Go(func() error {
			outcomes[i] = send(ctx, reporter, hook, &mapping.Reports[i])
			return nil
		})
	}
	_ = sending.Wait() // each outcome has its error
	if err := problemOf(mapping, outcomes); err != nil {
		return err
	}
	return gateway.WriteJSON(out, http.StatusOK, answerOf(mapping, outcomes))
}

func send(ctx context.Context, reporter gateway.Reporter, hook *hook, report *issuewebhook.Report) outcome {
	spec := v1alpha1.IssueReportSpec{}
	if err := v1alpha1.Convert_issues_IssueReportSpec_To_v1alpha1_IssueReportSpec(&report.Spec, &spec, nil); err != nil {
		return outcome{err: err}
	}
	spec.Source = hook.source()
	to := reporter.Succeeded
	if spec.Outcome == v1alpha1.OutcomeFailed {
		to = reporter.Failed
	}
	status, err := to(ctx, hook.Namespace, spec)
	return outcome{status, err}
}

func answerOf(mapping issuewebhook.Mapping, outcomes []outcome) answer {
	out := answer{Items: mapping.Items, Reports: []reported{}}
	for i := range outcomes {
		one := reported{Item: mapping.Reports[i].Item, Result: string(outcomes[i].status.Result)}
		for _, issue := range outcomes[i].status.Issues {
			one.Issues = append(one.Issues, issue.Name)
		}
		out.Reports = append(out.Reports, one)
	}
	return out
}

// problemOf is nil if every item was worked on. A sender that can help by sending the same
// again is told so, whatever else is wrong: what was taken does not count twice.
func problemOf(mapping issuewebhook.Mapping, outcomes []outcome) error {
	failed := len(mapping.Errors)
	out := &gateway.Problem{Status: http.StatusUnprocessableEntity}
	for _, wrong := range mapping.Errors {
		out.Errors = append(out.Errors, fieldOf(wrong))
	}
	for i := range outcomes {
		if outcomes[i].err == nil {
			continue
		}
		failed++
		problem := gateway.ProblemOf(outcomes[i].err)
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
