// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"fmt"
	"maps"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"
)

// maxAnnotation is the longest value of an annotation that is kept.
const maxAnnotation = maxURL

// Transform drops what the controller does not read before a PipelineRun enters
// the cache: a run carries its whole pipeline, some 50 KB, of which about 2 KB
// matter here. What is kept has a limit: labels have the one of the API.
func Transform(obj any) (any, error) {
	run, ok := obj.(*tektonv1.PipelineRun)
	if !ok {
		return nil, fmt.Errorf("transform PipelineRun: got %T", obj)
	}
	run.ManagedFields, run.OwnerReferences, run.Finalizers = nil, nil, nil
	maps.DeleteFunc(run.Annotations, func(name, value string) bool { return !wanted(name) || len(value) > maxAnnotation })
	run.Spec = tektonv1.PipelineRunSpec{PipelineRef: reference(run.Spec.PipelineRef), Status: run.Spec.Status}
	run.Status.Status = duckv1.Status{Conditions: ending(run.Status.GetCondition(apis.ConditionSucceeded))}
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

func ending(condition *apis.Condition) duckv1.Conditions {
	if condition == nil {
		return nil
	}
	kept := *condition
	kept.Message = strings.Clone(messageText(kept.Message))
	return duckv1.Conditions{kept}
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
