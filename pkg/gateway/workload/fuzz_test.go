// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway/gatewaytest"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/report"
)

// short is a name whose problem has nothing cut off.
const short = 100

// kinds are those of which others may be the owners.
var kinds = []struct{ group, kind string }{
	{"", "Pod"}, {"apps", "ReplicaSet"}, {"batch", "Job"}, {"apps", "Deployment"}, {"example.com", "Gadget"},
}

// FuzzProblem: whatever a workload is called, the API takes its problem; an owner has no
// owner, and two names are two problems.
func FuzzProblem(f *testing.F) {
	for _, name := range []string{"web-5d4f8c7b9d-x7k2p", "db-0", "backup-29112345", "a/b", "..", "%", "é\x00", strings.Repeat("é", 200)} {
		f.Add(uint(0), name, "other/"+name, "CrashLoop")
	}
	f.Fuzz(func(t *testing.T, number uint, name, other, key string) {
		of := kinds[number%uint(len(kinds))]
		name, other, key = strings.ToValidUTF8(name, ""), strings.ToValidUTF8(other, ""), strings.ToValidUTF8(key, "")
		if workload.Cut(name) == "" {
			return // nothing is about a workload without name
		}
		scope := workload.ScopeOf(of.group, of.kind, name)
		require.Equal(t, scope, workload.ScopeOf(scope.APIGroup, scope.Kind, scope.Name))
		issue := workload.Problem(scope, key)
		require.Equal(t, issue, workload.Problem(issue.Scope, issue.Key), "of what is fit already")
		requireTaken(t, issue)

		second := workload.ScopeOf(of.group, of.kind, other)
		distinct := scope != second && !strings.Contains(name+other, "\x00") && len(name)+len(other)+len(key) < short
		if distinct {
			require.NotEqual(t, issue, workload.Problem(second, key))
		}
	})
}

func requireTaken(t *testing.T, issue issuesv1alpha1.ReportedIssue) {
	t.Helper()
	now := metav1.NewMicroTime(gatewaytest.Now)
	issue.Title, issue.Severity = "x", issuesv1alpha1.SeverityMajor
	gatewaytest.RequireValid(t, []report.Report{{Namespace: "team", Spec: issuesv1alpha1.IssueReportSpec{
		Outcome: issuesv1alpha1.OutcomeFailed, ObservedAt: &now, Issue: issue,
	}}})
}
