// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// bigRun has in every field more than a run of a large pipeline has.
func bigRun() *tektonv1.PipelineRun {
	long := strings.Repeat("long ", 10_000)
	run := failing(
		label(labelComponent, "frontend"), label(pacPrefix+pacEventType, "push"),
		annotation(pacPrefix+pacBranch, "dev"), annotation(pacPrefix+pacLogURL, "https://console.example/run"),
		annotation("kubectl.kubernetes.io/last-applied-configuration", long), annotation(pacPrefix+"on-cel-expression", long),
		ends(tektonv1.PipelineRunReasonFailed, "password=hunter2 "+long),
	)
	run.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`"` + long + `"`)}}
	run.Finalizers = []string{"chains.tekton.dev/pipelinerun"}
	run.Spec.Params = tektonv1.Params{{Name: "secret", Value: *tektonv1.NewStructuredValues(long)}}
	run.Spec.PipelineRef.Params = run.Spec.Params
	run.Status.Annotations = map[string]string{"x": long}
	run.Status.PipelineSpec = &tektonv1.PipelineSpec{Description: long}
	run.Status.Results = []tektonv1.PipelineRunResult{{Name: "x", Value: *tektonv1.NewStructuredValues(long)}}
	run.Status.Provenance = &tektonv1.Provenance{RefSource: &tektonv1.RefSource{URI: long}}
	for i := range 200 {
		run.Status.ChildReferences = append(run.Status.ChildReferences, tektonv1.ChildStatusReference{
			TypeMeta: runtime.TypeMeta{Kind: "TaskRun"}, Name: fmt.Sprintf("task-%d", i), DisplayName: long,
		})
	}
	return run
}

func TestReportSurvivesTransform(t *testing.T) {
	t.Parallel()
	config := testConfig(t)
	want := config.failure(bigRun(), failed, nil, "")
	require.Contains(t, want.Issue.Description, "password=[redacted] long")
	run := bigRun()
	for range 2 { // informers may transform an object again
		out, err := Transform(run)
		require.NoError(t, err)
		run = out.(*tektonv1.PipelineRun)
		require.Equal(t, failed, judge(run))
		require.Empty(t, cmp.Diff(want, config.failure(run, judge(run), nil, "")))
	}
	_, err := Transform(&tektonv1.TaskRun{})
	require.Error(t, err)
}

// TestTransformBoundsMemory: whatever a run carries, little of it is kept.
func TestTransformBoundsMemory(t *testing.T) {
	t.Parallel()
	before, err := json.Marshal(bigRun())
	require.NoError(t, err)
	out, err := Transform(bigRun())
	require.NoError(t, err)
	after, err := json.Marshal(out)
	require.NoError(t, err)
	require.Greater(t, len(before), 5<<20)
	require.Less(t, len(after), maxMessage+2<<10, string(after))
	require.NotContains(t, string(after), "hunter2")
}
