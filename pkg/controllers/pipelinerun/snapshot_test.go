// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/issuemonitor"
)

// snapshotMonitor is the shipped monitor of tests that never ran.
func snapshotMonitor(t *testing.T) *issuemonitor.Monitor {
	t.Helper()
	content, err := os.ReadFile("../../../artifacts/monitors/konflux.yaml")
	require.NoError(t, err)
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDecoder(issues.SchemeGroupVersion)
	for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
		monitor := &issues.ClusterIssueMonitor{}
		require.NoError(t, runtime.DecodeInto(decoder, document, monitor))
		if monitor.Name == "snapshot-test-without-run" {
			compiled, errs := issuemonitor.Compile(&monitor.Spec, nil)
			require.Empty(t, errs)
			return compiled
		}
	}
	t.Fatal("there is no such monitor")
	return nil
}

// snapshotOf has the names of Pipelines-as-Code as its run has them.
func snapshotOf(run *tektonv1.PipelineRun) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"application": "shop"}}}
	out.SetKind("Snapshot")
	out.SetName("shop-abc")
	out.SetLabels(run.Labels)
	out.SetAnnotations(run.Annotations)
	status := `[{"scenario":"e2e","status":"TestInvalid","lastUpdateTime":"2026-03-02T10:03:00Z"}]`
	if err := unstructured.SetNestedField(out.Object, status, "metadata", "annotations", "test.appstudio.openshift.io/status"); err != nil {
		panic(err)
	}
	return out
}

// TestSnapshotsIdentity: a test that never ran, and a run of the same test, are one problem,
// whatever the event: a run that turns green resolves it.
func TestSnapshotsIdentity(t *testing.T) {
	t.Parallel()
	monitor := snapshotMonitor(t)
	seen := 0
	for _, m := range matrix([]string{"test"}) {
		if m.scenario == "" || m.application == "" { // a Snapshot has both
			continue
		}
		for _, branch := range []string{"", "main", "refs/heads/main", "refs/heads/release-1"} {
			for _, names := range []func(string, string) runOption{label, annotation} {
				run := m.run(names, testPrefix)
				delete(run.Labels, testPrefix+pacBranch)
				delete(run.Annotations, testPrefix+pacBranch)
				if branch != "" {
					names(testPrefix+pacBranch, branch)(run)
				}
				want := identity(run)
				items, err := monitor.Items(t.Context(), issuemonitor.Input{Object: snapshotOf(run)})
				require.NoError(t, err)
				got, err := monitor.Identify(t.Context(), items[0])
				require.NoError(t, err)
				require.Equal(t, []string{want.Type, want.Scope.APIGroup, want.Scope.Kind, want.Scope.Name, string(want.Stage), want.Key},
					[]string{got.Type, got.Scope.APIGroup, got.Scope.Kind, got.Scope.Name, string(got.Stage), got.Key}, "%s, branch %q", m, branch)
				seen++
			}
		}
	}
	require.Equal(t, 7*2*2*2*4*2, seen)
}
