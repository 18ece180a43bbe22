// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"sync"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
)

// The variables of expressions.
const (
	variableBody    = "body"
	variableHeaders = "headers"
	variableItem    = "item"
)

// The languages are shared by all webhooks: of a delivery, and of one of its items.
var (
	languageOfDelivery = sync.OnceValues(func() (*expression.Language, error) {
		return expression.NewLanguage(map[string]*cel.Type{
			variableBody: cel.DynType, variableHeaders: cel.MapType(cel.StringType, cel.StringType),
		})
	})
	languageOfItem = sync.OnceValues(func() (*expression.Language, error) {
		return expression.NewLanguage(map[string]*cel.Type{
			variableBody: cel.DynType, variableHeaders: cel.MapType(cel.StringType, cel.StringType),
			variableItem: cel.DynType,
		})
	})
)

// Webhook is a compiled spec. It can be used concurrently.
type Webhook struct {
	hidden hidden
	// keyHeader, in lower case, has the delivery's key where no expression gives one.
	keyHeader string

	ignore, items                       *expression.Expression
	failed, succeeded                   *expression.Expression
	observedAt, key, reason, logExcerpt *expression.Expression
	runKind, runName, runUID, runURL    *expression.Expression
	issue                               *expression.Template
}

// Compile returns every error of every expression at once: its field, and in the message
// its line and column. That required expressions are there, and none is too long, is
// checked elsewhere: Compile takes both for absent ones.
func Compile(spec *issues.IssueWebhookSpec, path *field.Path) (*Webhook, field.ErrorList) {
	ofDelivery, err := languageOfDelivery()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(path, err)}
	}
	ofItem, err := languageOfItem()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(path, err)}
	}
	d, i := ofDelivery.Compiler(), ofItem.Compiler()
	out := &Webhook{
		hidden:     hiddenBy(&spec.Authentication),
		keyHeader:  keyHeaderOf(&spec.Authentication),
		ignore:     d.Boolean(spec.Ignore, path.Child("ignore")),
		items:      d.List(spec.Items, path.Child("items")),
		failed:     i.Boolean(spec.Failed, path.Child("failed")),
		succeeded:  i.Boolean(spec.Succeeded, path.Child("succeeded")),
		observedAt: i.Text(spec.ObservedAt, path.Child("observedAt"), expression.CheckTime),
		key:        i.Text(spec.IdempotencyKey, path.Child("idempotencyKey"), nil),
		reason:     i.Text(spec.Reason, path.Child("reason"), expression.CheckReason),
		logExcerpt: i.Text(spec.LogExcerpt, path.Child("logExcerpt"), nil),
		issue:      i.Template(&spec.Issue, path.Child("issue")),
	}
	if run := spec.Run; run != nil {
		path := path.Child("run")
		out.runKind = i.Text(run.Kind, path.Child("kind"), nil)
		out.runName = i.Text(run.Name, path.Child("name"), nil)
		out.runUID = i.Text(run.UID, path.Child("uid"), nil)
		out.runURL = i.Text(run.URL, path.Child("url"), nil)
	}
	return out, append(d.Errors(), i.Errors()...)
}
