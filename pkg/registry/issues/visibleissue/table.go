// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
)

// namespaceColumn comes first: kubectl itself shows namespaces of namespaced kinds only.
var namespaceColumn = metav1.TableColumnDefinition{
	Name: "Namespace", Type: "string", Description: "The issue's namespace.",
}

// tableConvertor makes the table of issues, with their namespaces.
type tableConvertor struct{ rest.TableConvertor }

// ConvertToTable implements rest.TableConvertor.
func (c tableConvertor) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	var shown []issues.VisibleIssue
	list := &issues.IssueList{}
	switch o := obj.(type) {
	case *issues.VisibleIssueList:
		shown, list.ListMeta = o.Items, o.ListMeta
	case *issues.VisibleIssue:
		shown, list.ResourceVersion = []issues.VisibleIssue{*o}, o.ResourceVersion
	default:
		return nil, fmt.Errorf("want a VisibleIssue or a VisibleIssueList, got %T", obj)
	}
	for i := range shown {
		list.Items = append(list.Items, hidden(&shown[i]))
	}
	table, err := c.TableConvertor.ConvertToTable(ctx, list, options)
	if err != nil {
		return nil, err
	}
	if len(table.ColumnDefinitions) > 0 {
		table.ColumnDefinitions = append([]metav1.TableColumnDefinition{namespaceColumn}, table.ColumnDefinitions...)
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		row.Cells = append([]any{shown[i].Issue.Namespace}, row.Cells...)
		row.Object = runtime.RawExtension{Object: &shown[i]}
	}
	return table, nil
}

// hidden is the issue that a visible issue shows.
func hidden(in *issues.VisibleIssue) issues.Issue {
	out := issues.Issue{ObjectMeta: in.ObjectMeta, Spec: in.Spec, Status: in.Status}
	out.Namespace, out.Name = in.Issue.Namespace, in.Issue.Name
	return out
}
