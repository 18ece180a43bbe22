// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
)

// ConvertToTable implements rest.TableConvertor.
func (*REST) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	report, ok := obj.(*issues.IssueReport)
	if !ok {
		return nil, fmt.Errorf("want an IssueReport, got %T", obj)
	}
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		table.ColumnDefinitions = []metav1.TableColumnDefinition{
			{Name: "Result", Type: "string", Description: "What the report did."},
			{Name: "Issues", Type: "string", Description: "The issues that it reached."},
		}
	}
	names := make([]string, 0, len(report.Status.Issues))
	for _, reached := range report.Status.Issues {
		names = append(names, reached.Name)
	}
	table.Rows = []metav1.TableRow{{
		Cells:  []any{string(report.Status.Result), strings.Join(names, ",")},
		Object: runtime.RawExtension{Object: report},
	}}
	return table, nil
}
