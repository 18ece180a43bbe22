// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func builtIn(t testing.TB) *Table {
	t.Helper()
	table, errs := Compile(configv1alpha1.BuiltInSymptoms(), nil)
	require.Empty(t, errs)
	return table
}

func TestScopeOf(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ reason, group, kind, name, want string }{
		"Deployment":    {"itself", "apps", "Deployment", "web", "apps/Deployment/web"},
		"Pod":           {"of a Deployment, by the hash of its template", "", "Pod", "web-5d4f8c7b9d-x7k2p", "apps/Deployment/web"},
		"PodDashes":     {"names have dashes", "", "Pod", "web-front-end-6b8f9dc5d-q5zzv", "apps/Deployment/web-front-end"},
		"PodOfDaemon":   {"its name could be a Job's, too", "", "Pod", "agent-x7k2p", "/Pod/agent-x7k2p"},
		"PodOfStateful": {"by its ordinal", "", "Pod", "my-db-12", "apps/StatefulSet/my-db"},
		"PodOfZeros":    {"no ordinal begins with 0", "", "Pod", "db-01", "/Pod/db-01"},
		"PodOfADate":    {"no ordinal is that large", "", "Pod", "db-20260301", "/Pod/db-20260301"},
		"PodOfWords":    {"words have vowels", "", "Pod", "web-frontend-north", "/Pod/web-frontend-north"},
		"PodOfCronJob":  {"by the minutes in its Job's name", "", "Pod", "backup-29112345-x7k2p", "batch/CronJob/backup"},
		"Job":           {"itself", "batch", "Job", "migrate-7", "batch/Job/migrate-7"},
		"JobOfCronJob":  {"by the minutes in its name", "batch", "Job", "backup-29112345", "batch/CronJob/backup"},
		"ReplicaSet":    {"of a Deployment", "apps", "ReplicaSet", "web-5d4f8c7b9d", "apps/Deployment/web"},
		"BareSet":       {"of nobody", "apps", "ReplicaSet", "web", "apps/ReplicaSet/web"},
		"Claim":         {"itself", "", "PersistentVolumeClaim", "data", "/PersistentVolumeClaim/data"},
		"Other":         {"a kind of others", "cert-manager.io", "Certificate", "web", "cert-manager.io/Certificate/web"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := ScopeOf(tc.group, tc.kind, tc.name)
			require.Equal(t, tc.want, scope.APIGroup+"/"+scope.Kind+"/"+scope.Name, tc.reason)
		})
	}
}

func TestPodsOfTaskRuns(t *testing.T) {
	t.Parallel()
	require.True(t, IsTaskRuns("Pod", "build-x7k2p-compile-pod"))
	require.True(t, IsTaskRuns("Pod", "build-x7k2p-compile-pod-retry1"))
	require.False(t, IsTaskRuns("Pod", "pod-x7k2p"))
	require.False(t, IsTaskRuns("Job", "my-pod"))
}

func TestSymptoms(t *testing.T) {
	t.Parallel()
	table := builtIn(t)
	key := func(s *Symptom) string {
		if s == nil {
			return ""
		}
		return s.Key
	}
	require.Equal(t, "CrashLoop", key(table.ByAlert("KubePodCrashLooping")))
	require.Empty(t, key(table.ByAlert("Other")))
	require.Equal(t, "CrashLoop", key(table.ByEvent("BackOff", "Back-off restarting failed container web in pod x")))
	require.Equal(t, "ImagePull", key(table.ByEvent("BackOff", `Back-off pulling image "x"`)), "kubelet has one reason for both")
	require.Equal(t, "ImagePull", key(table.ByEvent("Failed", "Error: ErrImagePull")))
	require.Empty(t, key(table.ByEvent("Failed", "Error: something else")))
	require.Equal(t, "ImagePull", key(table.EndedBy("Pulled", "")))
	require.Empty(t, key(table.EndedBy("BackOff", "")))
	require.Equal(t, issuesv1alpha1.SeverityMajor, table.ByAlert("KubePodCrashLooping").Severity, "unless the rule says otherwise")
	require.Equal(t, issuesv1alpha1.SeverityMinor, table.ByEvent("Evicted", "").Severity)
}

func TestFirstSymptomCounts(t *testing.T) {
	t.Parallel()
	table, errs := Compile([]configv1alpha1.SymptomRule{
		{Symptom: "First", Title: "x", Alerts: []string{"A"}}, {Symptom: "Second", Title: "x", Alerts: []string{"A", "B"}},
	}, nil)
	require.Empty(t, errs)
	require.Equal(t, "First", table.ByAlert("A").Key)
	require.Equal(t, "Second", table.ByAlert("B").Key)
}

func TestCompileTellsEverything(t *testing.T) {
	t.Parallel()
	_, errs := Compile([]configv1alpha1.SymptomRule{
		{Symptom: "crash loop", Severity: "bad", Events: []configv1alpha1.EventMatch{{Message: "x"}}, Recoveries: make([]configv1alpha1.EventMatch, 1)},
		{Symptom: "CrashLoop", Title: strings.Repeat("x", maxTitle+1), Subject: &configv1alpha1.AlertSubject{APIGroup: "cert-manager.io/v1", Kind: "Certificate"}},
	}, field.NewPath("symptoms"))
	var fields []string
	for _, err := range errs {
		fields = append(fields, err.Field)
	}
	require.ElementsMatch(t, []string{
		"symptoms[0].symptom", "symptoms[0].title", "symptoms[0].severity", "symptoms[0].events[0].reason",
		"symptoms[0].recoveries[0].reason", "symptoms[1].title", "symptoms[1].subject", "symptoms[1].subject.label",
	}, fields)
	_, errs = Compile(make([]configv1alpha1.SymptomRule, maxRules+1), nil)
	require.Len(t, errs, 1)
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]issuesv1alpha1.IssueSeverity{
		"critical": "critical", "Page": "critical", "error": "major", "warning": "minor", "info": "info", "": "major", "P1": "major",
	} {
		require.Equal(t, want, Severity(text, issuesv1alpha1.SeverityMajor), text)
	}
}

func TestProblemHasNamesThatTheAPITakes(t *testing.T) {
	t.Parallel()
	issue := Problem(issuesv1alpha1.IssueScope{Kind: "Pod", Name: "a/b"}, "CrashLoop")
	require.Equal(t, "a-b", issue.Scope.Name)
	require.Equal(t, "CrashLoop/a/b", issue.Key, "names that are not the same stay so")
	long := Problem(issuesv1alpha1.IssueScope{Kind: "Pod", Name: strings.Repeat("é", 200)}, strings.Repeat("\x00é", 200))
	require.LessOrEqual(t, len(long.Scope.Name), maxName)
	require.LessOrEqual(t, len(long.Key), maxName)
	require.NotContains(t, long.Key, "\x00")
}
