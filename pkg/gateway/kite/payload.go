// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"time"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// observation is what every payload has. KITE itself knows no time of observation: a
// sender that gives one may repeat a request however late.
type observation struct {
	Namespace  string     `json:"namespace"`
	ObservedAt *time.Time `json:"observedAt"`
}

// payload is the body of one of KITE's webhooks.
type payload interface {
	// common is what all payloads have.
	common() *observation
	// check adds what is wrong.
	check(*mistakes)
	// report says what was observed. Key is the sender's name for this observation, or "".
	report(key string, logURL func(run string) string) issuesv1alpha1.IssueReportSpec
}

// failure is a payload that makes an issue.
type failure interface {
	payload
	// scope is the resource as KITE names it.
	scope() (resourceType, name string)
	// log is what rules read.
	log() string
}

// recovery is a payload that resolves issues.
type recovery interface {
	payload
	// subject is what KITE's answer says was resolved.
	subject() string
}

func (o *observation) common() *observation { return o }

type pipelineSuccess struct {
	observation

	PipelineName string `json:"pipelineName"`
}

type pipelineFailure struct {
	observation

	PipelineName  string `json:"pipelineName"`
	FailureReason string `json:"failureReason"`
	Severity      string `json:"severity"`
	RunID         string `json:"runId"`   //nolint:tagliatelle // as KITE writes it
	LogsURL       string `json:"logsUrl"` //nolint:tagliatelle // as KITE writes it
}

type mintmakerCustom struct {
	observation

	PipelineID string   `json:"pipelineId"` //nolint:tagliatelle // as KITE writes it
	Type       string   `json:"type"`
	Logs       []string `json:"logs"`
}

type releaseSuccess struct {
	observation

	Application string `json:"application"`
}

type releaseFailure struct {
	observation

	Application    string `json:"application"`
	FailurePhase   string `json:"failurePhase"`
	Release        string `json:"release"`
	PipelineRunURL string `json:"pipelineRunUrl"` //nolint:tagliatelle // as KITE writes it
}
