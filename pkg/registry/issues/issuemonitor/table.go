// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
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

var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "The monitor's name."},
	{Name: "Kind", Type: "string", Description: "The kind of the objects that are watched."},
	{Name: "Type", Type: "string", Description: "The type of the issues."},
	{Name: "Severity", Type: "string", Description: "The severity of the issues, unless an expression gives another."},
	{Name: "Watching", Type: "string", Description: "True, or why the resource is not watched."},
	{Name: "Evaluated", Type: "string", Description: "True, or why not every object is."},
	{Name: "Watched", Type: "integer", Description: "How many objects are watched."},
	{Name: "Failing", Type: "integer", Description: "How many objects fail and are reported."},
	{Name: "Age", Type: "string", Description: "How long ago the monitor was created."},
	{Name: "API Version", Type: "string", Priority: wide, Description: "The API group and version that are watched."},
	{Name: "Pending", Type: "integer", Priority: wide, Description: "How many objects fail, but not for long enough."},
	{Name: "Last Error", Type: "string", Priority: wide, Description: "What went wrong last."},
}

// tableConvertor makes the tables that kubectl prints.
type tableConvertor struct{ clock clock.PassiveClock }

var _ rest.TableConvertor = tableConvertor{}

// ConvertToTable implements rest.TableConvertor.
func (c tableConvertor) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		table.ColumnDefinitions = columns
	}
	now := c.clock.Now()
	switch o := obj.(type) {
	case *issues.IssueMonitorList:
		table.ListMeta = listMeta(o.ListMeta)
		for i := range o.Items {
			table.Rows = append(table.Rows, row(&o.Items[i], now))
		}
	case *issues.ClusterIssueMonitorList:
		table.ListMeta = listMeta(o.ListMeta)
		for i := range o.Items {
			table.Rows = append(table.Rows, row(&o.Items[i], now))
		}
	case *issues.IssueMonitor, *issues.ClusterIssueMonitor:
		table.ResourceVersion = partsOf(o).meta.ResourceVersion
		table.Rows = []metav1.TableRow{row(o, now)}
	default:
		return nil, fmt.Errorf("want monitors, got %T", obj)
	}
	return table, nil
}

func listMeta(in metav1.ListMeta) metav1.ListMeta {
	return metav1.ListMeta{ResourceVersion: in.ResourceVersion, Continue: in.Continue, RemainingItemCount: in.RemainingItemCount}
}

func row(obj runtime.Object, now time.Time) metav1.TableRow {
	monitor := partsOf(obj)
	watched := monitor.spec.Resource
	return metav1.TableRow{Object: runtime.RawExtension{Object: obj}, Cells: []any{
		monitor.meta.Name, watched.Kind, monitor.spec.Issue.Type, string(monitor.spec.Issue.Severity),
		stateOf(monitor.status, issues.ConditionWatching), stateOf(monitor.status, issues.ConditionEvaluated),
		int64(monitor.status.Watched), int64(monitor.status.Failing),
		ago(monitor.meta.CreationTimestamp.Time, now),
		metav1.GroupVersion{Group: watched.Group, Version: watched.Version}.String(),
		int64(monitor.status.Pending), lastError(monitor.status),
	}}
}

// stateOf shows the reason where there is something to do.
func stateOf(status *issues.IssueMonitorStatus, of string) string {
	condition := meta.FindStatusCondition(status.Conditions, of)
	switch {
	case condition == nil:
		return unknown
	case condition.Status == metav1.ConditionTrue:
		return string(condition.Status)
	default:
		return condition.Reason
	}
}

func lastError(status *issues.IssueMonitorStatus) string {
	e := status.LastError
	if e == nil {
		return ""
	}
	about := strings.TrimSpace(strings.TrimPrefix(e.Namespace+"/"+e.Name, "/") + " " + e.Field)
	return strings.TrimPrefix(about+": "+e.Message, ": ")
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(t))
}
