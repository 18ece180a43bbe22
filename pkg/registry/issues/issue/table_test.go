// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTable(t *testing.T) {
	t.Parallel()
	remaining := int64(3)
	list := &issues.IssueList{
		ListMeta: metav1.ListMeta{ResourceVersion: "12", Continue: "more", RemainingItemCount: &remaining},
		Items: []issues.Issue{
			*stored(t.Context(), func(issue *issues.Issue) {
				issue.Spec.Application, issue.Spec.Component, issue.Spec.GroupKey = "shop", "checkout", "CVE-2026-1234"
				issue.Spec.DueDate = &metav1.Time{Time: testTime.Add(48 * time.Hour)}
			}),
			*newIssue(func(issue *issues.Issue) {
				issue.Name, issue.CreationTimestamp, issue.Spec.Stage = "bare", metav1.Time{}, ""
			}),
		},
	}
	list.Items[0].Status.Occurrences = 4
	list.Items[0].Status.Acknowledged = &issues.Acknowledgement{By: "ann", At: metav1.NewMicroTime(testTime)}
	list.Items[0].Status.LastSeen = &metav1.MicroTime{Time: testTime.Add(-90 * time.Second)}

	convertor := tableConvertor{clocktesting.NewFakePassiveClock(testTime)}
	table, err := convertor.ConvertToTable(t.Context(), list, nil)
	require.NoError(t, err)
	require.Equal(t, list.ListMeta, table.ListMeta)
	for _, r := range table.Rows {
		require.Len(t, r.Cells, len(table.ColumnDefinitions))
		require.NotNil(t, r.Object.Object, "kubectl needs the object's metadata")
	}
	_, err = json.Marshal(table.Rows[0].Cells)
	require.NoError(t, err)
	requireGolden(t, "testdata/table.txt", printed(t, table))

	one, err := convertor.ConvertToTable(t.Context(), &list.Items[0], &metav1.TableOptions{NoHeaders: true})
	require.NoError(t, err)
	require.Empty(t, one.ColumnDefinitions)
	require.Equal(t, table.Rows[0].Cells, one.Rows[0].Cells)

	_, err = convertor.ConvertToTable(t.Context(), &issues.IssueReport{}, nil)
	require.ErrorContains(t, err, "want an Issue")
}

// printed is the table as kubectl prints it, without and with -o wide.
func printed(t *testing.T, table *metav1.Table) string {
	t.Helper()
	var out strings.Builder
	for _, most := range []int32{0, wide} {
		w := tabwriter.NewWriter(&out, 0, 8, 3, ' ', 0)
		for i := -1; i < len(table.Rows); i++ {
			for j, column := range table.ColumnDefinitions {
				switch {
				case column.Priority > most:
				case i < 0:
					fmt.Fprintf(w, "%s\t", strings.ToUpper(column.Name))
				default:
					fmt.Fprintf(w, "%v\t", table.Rows[i].Cells[j])
				}
			}
			fmt.Fprintln(w)
		}
		require.NoError(t, w.Flush())
	}
	return out.String()
}

func requireGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the test with -update when this is meant")
}
