// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
)

type tableColumn struct {
	name, format, description string
	cell                      func(*issues.IssueSummary) any
}

var tableColumns = []tableColumn{
	{"Name", "name", "Always summary.", func(s *issues.IssueSummary) any { return s.Name }},
	{"Active", "", "Issues that are Active.", func(s *issues.IssueSummary) any { return s.Status.Active.Total }},
	{"Critical", "", "Active issues of severity critical.", ofSeverity(issues.SeverityCritical)},
	{"Major", "", "Active issues of severity major.", ofSeverity(issues.SeverityMajor)},
	{"Minor", "", "Active issues of severity minor.", ofSeverity(issues.SeverityMinor)},
	{"Info", "", "Active issues of severity info.", ofSeverity(issues.SeverityInfo)},
	{"Resolved", "", "Resolved in the last 24 hours.", func(s *issues.IssueSummary) any { return s.Status.ResolvedLastDay }},
	{"Mean", "", "Mean time to resolve, in the last 30 days.", func(s *issues.IssueSummary) any { return short(s.Status.TimeToResolve.Mean) }},
	{"P90", "", "The time within which nine of ten were resolved.", func(s *issues.IssueSummary) any { return short(s.Status.TimeToResolve.P90) }},
}

func ofSeverity(severity issues.IssueSeverity) func(*issues.IssueSummary) any {
	return func(s *issues.IssueSummary) any {
		for _, c := range s.Status.Active.Severities {
			if c.Value == string(severity) {
				return c.Count
			}
		}
		return int64(0)
	}
}

func short(d *metav1.Duration) any {
	if d == nil {
		return ""
	}
	return duration.HumanDuration(d.Duration)
}

// tableConvertor makes the tables that kubectl prints.
type tableConvertor struct{}

var _ rest.TableConvertor = tableConvertor{}

// ConvertToTable implements rest.TableConvertor.
func (tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		for _, c := range tableColumns {
			kind := "integer"
			if c.name == "Name" || c.name == "Mean" || c.name == "P90" {
				kind = "string"
			}
			table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{
				Name: c.name, Type: kind, Format: c.format, Description: c.description,
			})
		}
	}
	var shown []issues.IssueSummary
	switch o := obj.(type) {
	case *issues.IssueSummaryList:
		shown, table.ListMeta = o.Items, o.ListMeta
	case *issues.IssueSummary:
		shown = []issues.IssueSummary{*o}
	default:
		return nil, fmt.Errorf("want an IssueSummary or an IssueSummaryList, got %T", obj)
	}
	for i := range shown {
		row := metav1.TableRow{Object: runtime.RawExtension{Object: &shown[i]}}
		for _, c := range tableColumns {
			row.Cells = append(row.Cells, c.cell(&shown[i]))
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}
