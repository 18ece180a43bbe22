// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"kite.dev/kite/pkg/controllers/rule"
)

// Config is what an operator decides.
type Config struct {
	// Rules give failures groups, causes, severities and origins. Required.
	Rules *rule.Set
	// Logs reads the end of failed steps' logs; nil reads none.
	Logs LogReader
	// MintMakerNamespace is where MintMaker runs. Only there is a run believed that it
	// is about a component of another namespace. Empty believes none.
	MintMakerNamespace string
	// LogURL leads to a run's log, with {namespace}, {name} and {uid} for the run's.
	// Empty gives no link, unless the run itself says where its log is.
	LogURL string
}

// LogReader reads the end of a container's log.
type LogReader interface {
	Tail(ctx context.Context, namespace, pod, container string) (string, error)
}

// logURL is where a run's log can be read, as the run says or the operator.
func (c *Config) logURL(run *tektonv1.PipelineRun) string {
	if address := webAddress(pac(run, pacLogURL)); address != "" {
		return address
	}
	return webAddress(strings.NewReplacer(
		"{namespace}", run.Namespace, "{name}", run.Name, "{uid}", string(run.UID),
	).Replace(c.LogURL))
}
