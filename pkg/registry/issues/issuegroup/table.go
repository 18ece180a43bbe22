// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	"fmt"
	"strings"
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

var groupColumns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "The key that the members share."},
	{Name: "Severity", Type: "string", Description: "The leading member's severity."},
	{Name: "State", Type: "string", Description: "Resolved when no member is Active."},
	{Name: "Active", Type: "integer", Description: "How many members are Active."},
	{Name: "Total", Type: "integer", Description: "How many members there are."},
	{Name: "Components", Type: "integer", Description: "How many components members name."},
	{Name: "Namespaces", Type: "integer", Description: "How many namespaces have members."},
	{Name: "Last Seen", Type: "string", Description: "How long ago the newest failure was."},
	{Name: "Title", Type: "string", Description: "The leading member's title."},
	{Name: "First Seen", Type: "string", Priority: wide, Description: "How long ago the oldest failure was."},
	{Name: "Causes", Type: "string", Priority: wide, Description: "Causes with the number of their Active members."},
}

var memberColumns = []metav1.TableColumnDefinition{
	{Name: "Namespace", Type: "string", Description: "The issue's namespace."},
	{Name: "Name", Type: "string", Format: "name", Description: "The issue's name."},
	{Name: "Component", Type: "string", Description: "The component concerned."},
	{Name: "State", Type: "string", Description: "Active or Resolved."},
	{Name: "Severity", Type: "string", Description: "critical, major, minor or info."},
	{Name: "Cause", Type: "string", Description: "The cause of the newest failure."},
	{Name: "Since", Type: "string", Description: "When the issue last became Active, in UTC."},
	{Name: "Resolved", Type: "string", Description: "When the issue was resolved, in UTC."},
	{Name: "Log", Type: "string", Description: "Where the newest failure can be read."},
}

// tableConvertor makes the tables that kubectl prints, and that others export: a list
// has a row for each group, one group has a row for each of its members.
type tableConvertor struct{ clock clock.PassiveClock }

var _ rest.TableConvertor = tableConvertor{}

// ConvertToTable implements rest.TableConvertor.
func (c tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	switch o := obj.(type) {
	case *issues.IssueGroupList:
		table.ColumnDefinitions = groupColumns
		table.ResourceVersion, table.Continue = o.ResourceVersion, o.Continue
		for i := range o.Items {
			table.Rows = append(table.Rows, groupRow(&o.Items[i], c.clock.Now()))
		}
	case *issues.IssueGroup:
		table.ResourceVersion = o.ResourceVersion
		fillOne(table, o, c.clock.Now())
	default:
		return nil, fmt.Errorf("want an IssueGroup or an IssueGroupList, got %T", obj)
	}
	if opt, ok := options.(*metav1.TableOptions); ok && opt.NoHeaders {
		table.ColumnDefinitions = nil
	}
	return table, nil
}

// fillOne shows the members of a group, or its counts when members may not be told.
func fillOne(table *metav1.Table, group *issues.IssueGroup, now time.Time) {
	if len(group.Status.Members) == 0 {
		table.ColumnDefinitions = groupColumns
		table.Rows = []metav1.TableRow{groupRow(group, now)}
		return
	}
	table.ColumnDefinitions = memberColumns
	for i := range group.Status.Members {
		table.Rows = append(table.Rows, memberRow(&group.Status.Members[i]))
	}
}

func groupRow(group *issues.IssueGroup, now time.Time) metav1.TableRow {
	status := &group.Status
	cells := []any{
		group.Name, string(status.Severity), string(status.State),
		int64(status.Active), int64(status.Total), int64(status.Components), int64(status.Namespaces),
		ago(status.LastSeen, now), status.Title, ago(status.FirstSeen, now), causesCell(status.Causes),
	}
	return metav1.TableRow{Cells: cells, Object: runtime.RawExtension{Object: group}}
}

// memberRow has for its object an issue of which only the name is told.
func memberRow(member *issues.IssueGroupMember) metav1.TableRow {
	cells := []any{
		member.Namespace, member.Name, member.Component, string(member.State), string(member.Severity), member.Cause,
		moment(member.Since), moment(member.ResolvedAt), member.Log,
	}
	named := &issues.Issue{ObjectMeta: metav1.ObjectMeta{Namespace: member.Namespace, Name: member.Name}}
	return metav1.TableRow{Cells: cells, Object: runtime.RawExtension{Object: named}}
}

func causesCell(causes []issues.IssueGroupCause) string {
	texts := make([]string, 0, len(causes))
	for i := range causes {
		texts = append(texts, fmt.Sprintf("%s=%d", causes[i].Cause, causes[i].Active))
	}
	return strings.Join(texts, " ")
}

// moment is a time that programs read, too.
func moment(t *metav1.MicroTime) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func ago(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return unknown
	}
	return duration.HumanDuration(now.Sub(t.Time))
}
