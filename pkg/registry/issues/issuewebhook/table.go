// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
)

const unknown = "<unknown>"

// wide is the priority of columns that only kubectl get -o wide shows.
const wide = 1

var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "The webhook's name."},
	{Name: "Authentication", Type: "string", Description: "How a sender shows that it may send."},
	{Name: "Type", Type: "string", Description: "The type of the issues."},
	{Name: "Severity", Type: "string", Description: "The severity of the issues, unless an expression gives another."},
	{Name: "Ready", Type: "string", Description: "True, or why no deliveries are taken."},
	{Name: "Age", Type: "string", Description: "How long ago the webhook was created."},
	{Name: "Secret", Type: "string", Priority: wide, Description: "The Secret that sender and gateway both know."},
	{Name: "Path", Type: "string", Priority: wide, Description: "Where senders post to, at the gateway."},
}

// tableConvertor makes the tables that kubectl prints.
type tableConvertor struct{ clock clock.PassiveClock }

var _ rest.TableConvertor = tableConvertor{}

// ConvertToTable implements rest.TableConvertor.
func (c tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		table.ColumnDefinitions = columns
	}
	now := c.clock.Now()
	switch o := obj.(type) {
	case *issues.IssueWebhookList:
		table.ListMeta = metav1.ListMeta{
			ResourceVersion: o.ResourceVersion, Continue: o.Continue, RemainingItemCount: o.RemainingItemCount,
		}
		for i := range o.Items {
			table.Rows = append(table.Rows, row(&o.Items[i], now))
		}
	case *issues.IssueWebhook:
		table.ResourceVersion = o.ResourceVersion
		table.Rows = []metav1.TableRow{row(o, now)}
	default:
		return nil, fmt.Errorf("want webhooks, got %T", obj)
	}
	return table, nil
}

func row(webhook *issues.IssueWebhook, now time.Time) metav1.TableRow {
	how, secret := authentication(&webhook.Spec.Authentication)
	return metav1.TableRow{Object: runtime.RawExtension{Object: webhook}, Cells: []any{
		webhook.Name, how, webhook.Spec.Issue.Type, string(webhook.Spec.Issue.Severity),
		ready(&webhook.Status), ago(webhook.CreationTimestamp.Time, now),
		secret, "/webhooks/" + webhook.Namespace + "/" + webhook.Name,
	}}
}

func authentication(in *issues.WebhookAuthentication) (how, secret string) {
	switch {
	case in.Github != nil:
		return "GitHub", in.Github.SecretRef.Name
	case in.Gitlab != nil:
		return "GitLab", in.Gitlab.SecretRef.Name
	case in.HMAC != nil:
		return "HMAC", in.HMAC.SecretRef.Name
	default:
		return "Token", ""
	}
}

// ready shows the reason where there is something to do.
func ready(status *issues.IssueWebhookStatus) string {
	condition := meta.FindStatusCondition(status.Conditions, issues.ConditionReady)
	switch {
	case condition == nil:
		return unknown
	case condition.Status == metav1.ConditionTrue:
		return string(condition.Status)
	default:
		return condition.Reason
	}
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(t))
}
