// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/expression"
)

// The languages are shared by all monitors.
var (
	objectLanguage = sync.OnceValues(func() (*expression.Language, error) { return newLanguage(false) })
	itemLanguage   = sync.OnceValues(func() (*expression.Language, error) { return newLanguage(true) })
)

// Monitor is a compiled spec. It can be used concurrently.
type Monitor struct {
	table                                  map[string]map[string]string
	forEach                                *expression.Expression
	ignore, failing, recovered, observedAt *expression.Expression
	issue                                  *expression.Template
	readsOwner                             bool
}

// Compile returns every error of every expression at once: its field, and in the message
// its line and column. That required expressions are there, and none is too long, is
// checked by markers: Compile takes both for absent ones.
func Compile(spec *issues.IssueMonitorSpec, path *field.Path) (*Monitor, field.ErrorList) {
	whole, err := objectLanguage()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(path, err)}
	}
	parts := whole
	if spec.ForEach != "" {
		if parts, err = itemLanguage(); err != nil {
			return nil, field.ErrorList{field.InternalError(path, err)}
		}
	}
	list, c := whole.Compiler(), parts.Compiler()
	out := &Monitor{
		table:      tableOf(spec.Table),
		forEach:    list.List(spec.ForEach, path.Child("forEach")),
		ignore:     c.Boolean(spec.Ignore, path.Child("ignore")),
		failing:    c.Boolean(spec.Failing, path.Child("failing")),
		recovered:  c.Boolean(spec.Recovered, path.Child("recovered")),
		observedAt: c.Text(spec.ObservedAt, path.Child("observedAt"), expression.CheckTime),
		issue:      c.Template(&spec.Issue, path.Child("issue")),
	}
	out.readsOwner = list.Reads(variableOwner) || c.Reads(variableOwner)
	return out, append(list.Errors(), c.Errors()...)
}

// tableOf gives a row without values no values, not null.
func tableOf(rows []issues.MonitorRow) map[string]map[string]string {
	out := make(map[string]map[string]string, len(rows))
	for i := range rows {
		out[rows[i].Name] = maps.Clone(rows[i].Values)
	}
	return out
}

// ReadsOwner says whether any expression asks who the owner is, which takes time to find.
func (m *Monitor) ReadsOwner() bool { return m.readsOwner }
