// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"time"

	"kite.dev/kite/pkg/rule"
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
	// StartTimeout is how long a run may take from its admission to its first step. One that
	// takes longer is reported. Required.
	StartTimeout time.Duration
	// LogURL leads to a run's log, with {namespace}, {name}, {uid}, {application} and
	// {component} for the run's. Empty gives no link, unless the run itself says where its
	// log is. CheckLogURL finds its mistakes.
	LogURL string
}

// LogReader reads the end of a container's log.
type LogReader interface {
	Tail(ctx context.Context, namespace, pod, container string) (string, error)
}
