// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
)

// otherProducer names who reports a run's failure instead of this controller, or
// is empty. Each failure has one producer.
func otherProducer(run *tektonv1.PipelineRun) string {
	switch {
	case isReleaseServiceRun(run.Labels):
		// The issue belongs into the Release's namespace, which for a managed
		// run is another one than the run's. The Release's conditions tell the
		// same failure, for tenant and managed runs alike.
		return "Release"
	default:
		return ""
	}
}

func isReleaseServiceRun(labels map[string]string) bool {
	if labels[labelService] == "release" || labels[labelRelease] != "" {
		return true
	}
	switch labels[labelRunType] {
	case "managed", "tenant", "final", "managed-collectors", "tenant-collectors":
		return true
	default:
		return false
	}
}
