// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"net/http"

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

// own reports with the gateway's account.
type own struct{ gateway.Reporter }

// Batch implements gateway.Reporter.
func (o own) Batch(ctx context.Context, reports []report.Report) []report.Answer {
	answers := o.Reporter.Batch(ctx, reports)
	for i := range answers {
		answers[i].Err = gateway.Ours(answers[i].Err)
	}
	return answers
}

// report sends all that can be sent.
func (w *Webhooks) report(ctx context.Context, out http.ResponseWriter, hook *hook, reporter gateway.Reporter, mapping issuewebhook.Mapping) error {
	reports, err := hook.reports(mapping)
	if err != nil {
		return err
	}
	outcomes, err := gateway.ReportAll(ctx, reporter, itemsOf(mapping, reports))
	if err != nil {
		return err
	}
	return gateway.WriteJSON(out, http.StatusOK, answerOf(mapping, outcomes))
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

// itemsOf are the reports, and then what no report could be made of.
func itemsOf(mapping issuewebhook.Mapping, reports []report.Report) []gateway.Item {
	out := make([]gateway.Item, 0, len(reports)+len(mapping.Errors))
	for i := range reports {
		out = append(out, gateway.Item{Field: place(mapping.Reports[i].Item), Report: reports[i]})
	}
	for _, wrong := range mapping.Errors {
		out = append(out, gateway.Item{Field: place(wrong.Item), Err: problemOfDelivery(wrong.Err)})
	}
	return out
}

func place(item int) string { return fmt.Sprintf("items[%d]", item) }

func answerOf(mapping issuewebhook.Mapping, outcomes []gateway.Outcome) answer {
	out := answer{Items: mapping.Items, Reports: []reported{}}
	for i := range outcomes {
		one := reported{Item: mapping.Reports[i].Item, Result: outcomes[i].Result}
		if outcomes[i].Issue != "" {
			one.Issues = []string{outcomes[i].Issue}
		}
		out.Reports = append(out.Reports, one)
	}
	return out
}
