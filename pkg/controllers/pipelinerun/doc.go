// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package pipelinerun reports how Tekton PipelineRuns end: the failure of a run
// opens an issue or counts for it, its recovery resolves it.
//
// Each run is judged from the object alone, and its report has the same content
// and time however often it is sent. So the controller keeps no state that a
// restart could lose; what it remembers only saves requests.
package pipelinerun
