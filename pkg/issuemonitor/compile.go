// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
)

// language is shared by all monitors.
var language = sync.OnceValues(newLanguage)

// Monitor is a compiled spec. It can be used concurrently.
type Monitor struct {
	ignore, failing, recovered *expression.Expression
	issue                      *expression.Template
}

// Compile returns every error of every expression at once: its field, and in the message
// its line and column. That required expressions are there, and none is too long, is
// checked by markers: Compile takes both for absent ones.
func Compile(spec *issues.IssueMonitorSpec, path *field.Path) (*Monitor, field.ErrorList) {
	language, err := language()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(path, err)}
	}
	c := language.Compiler()
	out := &Monitor{
		ignore:    c.Boolean(spec.Ignore, path.Child("ignore")),
		failing:   c.Boolean(spec.Failing, path.Child("failing")),
		recovered: c.Boolean(spec.Recovered, path.Child("recovered")),
		issue:     c.Template(&spec.Issue, path.Child("issue")),
	}
	return out, c.Errors()
}
