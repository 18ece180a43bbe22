// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"fmt"
	"maps"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
)

// Transform drops what the controller does not read before a PipelineRun enters
// the cache: a run carries its whole pipeline, some 50 KB, of which about 2 KB
// matter here.
func Transform(obj any) (any, error) {
	run, ok := obj.(*tektonv1.PipelineRun)
	if !ok {
		return nil, fmt.Errorf("transform PipelineRun: got %T", obj)
	}
	run.ManagedFields = nil
	maps.DeleteFunc(run.Annotations, func(name, _ string) bool { return !wanted(name) })
	run.Spec = tektonv1.PipelineRunSpec{PipelineRef: reference(run.Spec.PipelineRef), Status: run.Spec.Status}
	run.Status.PipelineRunStatusFields = tektonv1.PipelineRunStatusFields{
		StartTime:       run.Status.StartTime,
		CompletionTime:  run.Status.CompletionTime,
		ChildReferences: firstOther(run.Status.ChildReferences),
	}
	return run, nil
}

func wanted(annotation string) bool {
	return strings.HasPrefix(annotation, pacPrefix) || strings.HasPrefix(annotation, testPrefix)
}

func reference(ref *tektonv1.PipelineRef) *tektonv1.PipelineRef {
	if ref == nil || ref.Name == "" {
		return nil
	}
	return &tektonv1.PipelineRef{Name: ref.Name}
}

// firstOther keeps one child, of a kind other than TaskRun if there is one: only
// whether there are children matters, and whether all are TaskRuns.
func firstOther(children []tektonv1.ChildStatusReference) []tektonv1.ChildStatusReference {
	if len(children) == 0 {
		return nil
	}
	kept := &children[0]
	for i := range children {
		if children[i].Kind != "TaskRun" {
			kept = &children[i]
			break
		}
	}
	return []tektonv1.ChildStatusReference{{TypeMeta: kept.TypeMeta, Name: kept.Name}}
}
