// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/json"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
)

const (
	// MaxBody is how many bytes a delivery has at most.
	MaxBody = 256 * 1024
	// MaxItems is how many items a delivery has at most.
	MaxItems = 100

	// maxPerDelivery is the cost of all expressions for all items together: 0.2 to 1 s.
	maxPerDelivery = celconfig.RuntimeCELCostBudget / 2
)

// Error is an expression that gave no value for a delivery.
type Error = expression.Error

// Mapping is what a delivery tells of.
type Mapping struct {
	// Items is how many items there were. An ignored delivery has none.
	Items int
	// Reports are those of items that failed or succeeded, in order.
	Reports []Report
	// Errors are those of items of which no report could be made, in order.
	Errors []*ItemError
}

// Report is what is reported of an item.
type Report struct {
	// Item counts from 0.
	Item int
	Spec issues.IssueReportSpec
}

// ItemError is why no report could be made of an item.
type ItemError struct {
	// Item counts from 0.
	Item int
	Err  error
}

// Error implements error.
func (e *ItemError) Error() string { return fmt.Sprintf("item %d: %s", e.Item, e.Err) }

// Unwrap gives an *Error.
func (e *ItemError) Unwrap() error { return e.Err }

// ErrTooLarge says that a body has more than MaxBody bytes.
var ErrTooLarge = fmt.Errorf("the body has more than %d bytes", MaxBody)

// Map makes reports of a delivery that arrived now. An error is about the delivery as a
// whole: its body is no JSON, or an expression that does not see items failed.
func (w *Webhook) Map(ctx context.Context, header http.Header, body []byte, now time.Time) (Mapping, error) {
	content, err := decode(body)
	if err != nil {
		return Mapping{}, err
	}
	d := delivery{
		webhook: w, now: now, budget: expression.NewBudget(maxPerDelivery),
		body: content, headers: w.hidden.visible(header),
	}
	items, err := d.items(ctx)
	if err != nil {
		return Mapping{}, err
	}
	out := Mapping{Items: len(items)}
	for i, item := range items {
		spec, err := d.report(ctx, item)
		switch {
		case err != nil:
			out.Errors = append(out.Errors, &ItemError{i, err})
		case spec != nil:
			out.Reports = append(out.Reports, Report{i, *spec})
		}
	}
	if err := ctx.Err(); err != nil {
		return Mapping{}, err // the errors of items would blame expressions
	}
	return out, nil
}

// decode keeps whole numbers whole, as expressions compare them.
func decode(body []byte) (any, error) {
	if len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	var out any
	if err := json.Unmarshal(body, &out); err != nil {
		return nil, fmt.Errorf("the body is no JSON: %w", err)
	}
	return out, nil
}

// delivery is being mapped.
type delivery struct {
	webhook *Webhook
	now     time.Time
	budget  *expression.Budget
	body    any
	headers map[string]string
}

// items are none for a delivery that is ignored.
func (d *delivery) items(ctx context.Context) ([]any, error) {
	e := d.budget.Evaluate(map[string]any{variableBody: d.body, variableHeaders: d.headers})
	ignored, err := e.Boolean(ctx, d.webhook.ignore, false)
	if err != nil || ignored {
		return nil, err
	}
	if d.webhook.items == nil {
		return []any{d.body}, nil
	}
	return e.List(ctx, d.webhook.items, MaxItems)
}

// report is nil for an item that neither failed nor succeeded.
func (d *delivery) report(ctx context.Context, item any) (*issues.IssueReportSpec, error) {
	e := d.budget.Evaluate(map[string]any{variableBody: d.body, variableHeaders: d.headers, variableItem: item})
	outcome, err := d.webhook.outcome(ctx, e)
	if err != nil || outcome == "" {
		return nil, err
	}
	out := &issues.IssueReportSpec{Outcome: outcome}
	describe := d.webhook.issue.Describe
	if outcome == issues.OutcomeSucceeded {
		describe = d.webhook.issue.Identify
	}
	if out.Issue, err = describe(ctx, e, issues.IssueScope{}); err != nil {
		return nil, err
	}
	if err := d.observe(ctx, e, out); err != nil {
		return nil, err
	}
	return out, nil
}

func (w *Webhook) outcome(ctx context.Context, e *expression.Evaluation) (issues.Outcome, error) {
	failed, err := e.Boolean(ctx, w.failed, false)
	if err != nil {
		return "", err
	}
	if failed {
		return issues.OutcomeFailed, nil
	}
	succeeded, err := e.Boolean(ctx, w.succeeded, false)
	if err != nil || !succeeded {
		return "", err
	}
	return issues.OutcomeSucceeded, nil
}
