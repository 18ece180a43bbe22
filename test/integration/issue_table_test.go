// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestTable asks as kubectl does.
func TestTable(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t)
	name := report(t, cfg, subject()).Issues[0].Name
	content, err := Client(t, cfg).IssuesV1alpha1().RESTClient().Get().Namespace(namespace).Resource("issues").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	require.NoError(t, err)
	var table metav1.Table
	require.NoError(t, json.Unmarshal(content, &table))

	var always, wide []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			always = append(always, column.Name)
			continue
		}
		wide = append(wide, column.Name)
	}
	require.Equal(t, []string{"Name", "Severity", "Type", "State", "Scope", "Title", "Count", "Last Seen", "Age"}, always)
	require.Equal(t, []string{"Application", "Component", "Stage", "Due", "Group", "Acknowledged"}, wide)
	require.Len(t, table.Rows, 1)
	cells := table.Rows[0].Cells
	require.Equal(t, []any{name, "major", "build", "Active", "Component/checkout"}, cells[:5])
	require.EqualValues(t, 1, cells[6])
	require.Equal(t, []any{"shop", "checkout", "Push", "", "CVE-2026-1234", ""}, cells[9:])

	var object metav1.PartialObjectMetadata
	require.NoError(t, json.Unmarshal(table.Rows[0].Object.Raw, &object))
	require.Equal(t, name, object.Name)
}
