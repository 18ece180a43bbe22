// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"fmt"
	"time"

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

// column of the table that kubectl prints: its definition and its cell.
type tableColumn struct {
	metav1.TableColumnDefinition
	cell func(issue *issues.Issue, now time.Time) any
}

var tableColumns = []tableColumn{
	text("Name", 0, "The issue's name.", func(i *issues.Issue) any { return i.Name }).withFormat("name"),
	text("Severity", 0, "critical, major, minor or info.", func(i *issues.Issue) any { return string(i.Spec.Severity) }),
	text("Type", 0, "The kind of work that failed.", func(i *issues.Issue) any { return i.Spec.Type }),
	text("State", 0, "Active or Resolved.", func(i *issues.Issue) any { return string(i.Status.State) }),
	text("Scope", 0, "The resource that has the problem.", func(i *issues.Issue) any {
		return i.Spec.Scope.Kind + "/" + i.Spec.Scope.Name
	}),
	text("Title", 0, "What the problem is.", func(i *issues.Issue) any { return i.Spec.Title }),
	text("Count", 0, "How many failures were seen.", func(i *issues.Issue) any { return int64(i.Status.Occurrences) }).withType("integer"),
	{
		define("Last Seen", 0, "How long ago the newest failure was."),
		func(i *issues.Issue, now time.Time) any { return agoMicro(i.Status.LastSeen, now) },
	},
	{
		define("Age", 0, "How long ago the issue was created."),
		func(i *issues.Issue, now time.Time) any { return ago(i.CreationTimestamp.Time, now) },
	},
	text("Application", wide, "The application concerned.", func(i *issues.Issue) any { return i.Spec.Application }),
	text("Component", wide, "The component concerned.", func(i *issues.Issue) any { return i.Spec.Component }),
	text("Stage", wide, "PullRequest, Push or Release.", func(i *issues.Issue) any { return string(i.Spec.Stage) }),
	text("Due", wide, "When the problem must be solved, in UTC.", due),
	text("Group", wide, "The key that issues of one cause share.", func(i *issues.Issue) any { return i.Spec.GroupKey }),
	text("Acknowledged", wide, "Who takes care of it.", acknowledgedBy),
}

func define(name string, priority int32, description string) metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: name, Type: "string", Priority: priority, Description: description}
}

func text(name string, priority int32, description string, cell func(*issues.Issue) any) tableColumn {
	return tableColumn{
		define(name, priority, description),
		func(issue *issues.Issue, _ time.Time) any { return cell(issue) },
	}
}

func (c tableColumn) withFormat(format string) tableColumn {
	c.Format = format
	return c
}

func (c tableColumn) withType(name string) tableColumn {
	c.Type = name
	return c
}

// tableConvertor makes the tables that kubectl prints.
type tableConvertor struct{ clock clock.PassiveClock }

var _ rest.TableConvertor = tableConvertor{}

// ConvertToTable implements rest.TableConvertor.
func (c tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		for i := range tableColumns {
			table.ColumnDefinitions = append(table.ColumnDefinitions, tableColumns[i].TableColumnDefinition)
		}
	}
	now := c.clock.Now()
	switch o := obj.(type) {
	case *issues.IssueList:
		for i := range o.Items {
			table.Rows = append(table.Rows, row(&o.Items[i], now))
		}
		table.ResourceVersion, table.Continue = o.ResourceVersion, o.Continue
		table.RemainingItemCount = o.RemainingItemCount
	case *issues.Issue:
		table.Rows = []metav1.TableRow{row(o, now)}
		table.ResourceVersion = o.ResourceVersion
	default:
		return nil, fmt.Errorf("want an Issue or an IssueList, got %T", obj)
	}
	return table, nil
}

func row(issue *issues.Issue, now time.Time) metav1.TableRow {
	cells := make([]any, 0, len(tableColumns))
	for i := range tableColumns {
		cells = append(cells, tableColumns[i].cell(issue, now))
	}
	return metav1.TableRow{Cells: cells, Object: runtime.RawExtension{Object: issue}}
}

func due(issue *issues.Issue) any {
	if issue.Spec.DueDate == nil {
		return ""
	}
	return issue.Spec.DueDate.UTC().Format(time.DateOnly)
}

func acknowledgedBy(issue *issues.Issue) any {
	if issue.Status.Acknowledged == nil {
		return ""
	}
	return issue.Status.Acknowledged.By
}

func agoMicro(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return unknown
	}
	return ago(t.Time, now)
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(t))
}
