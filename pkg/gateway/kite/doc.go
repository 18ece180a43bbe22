// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package kite takes what clients of KITE send, and answers as KITE does.
//
//	POST /api/v1/webhooks/pipeline-failure    fails     pipeline    Pipeline
//	POST /api/v1/webhooks/pipeline-success    recovers  pipeline    Pipeline
//	POST /api/v1/webhooks/mintmaker-custom    fails     dependency  Pipeline, key = type
//	POST /api/v1/webhooks/release-failure     fails     release     Application
//	POST /api/v1/webhooks/release-success     recovers  release     Application
//	GET  /api/v1/health                       is the gateway there?
//
// A pipeline's problem has the identity that the controller of PipelineRuns gives to a run
// of the same pipeline without labels of Konflux, so that both speak of one issue.
package kite
