// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/registry/issues/sweep"
)

const (
	// defaultMaxActive is far above what a team can look at, and bounds what one can cost.
	defaultMaxActive = 10_000
	// defaultResolved is short because kube-controller-manager keeps the metadata of every
	// object in memory.
	defaultResolved = 7 * 24 * time.Hour
	// defaultEpisodes is 13 months, so that a year can be compared with the one before.
	defaultEpisodes = 396 * 24 * time.Hour
)

// IssuesOptions bound issues, in number and in time.
type IssuesOptions struct {
	// MaxActive is how many issues of a namespace may be Active; 0 is any number.
	MaxActive int64
	Retention sweep.Retention
}

// NewIssuesOptions returns the defaults.
func NewIssuesOptions() *IssuesOptions {
	return &IssuesOptions{
		MaxActive: defaultMaxActive,
		Retention: sweep.Retention{Resolved: defaultResolved, History: defaultEpisodes},
	}
}

// AddFlags adds the flags.
func (o *IssuesOptions) AddFlags(fs *pflag.FlagSet) {
	fs.Int64Var(&o.MaxActive, "max-active-issues-per-namespace", o.MaxActive,
		"How many issues of a namespace may be Active; 0 is any number. A write or report that would open one more "+
			"is forbidden. An issue that is Active already can always be updated.")
	fs.DurationVar(&o.Retention.Resolved, "resolved-retention", o.Retention.Resolved,
		"How long a Resolved issue stays in the API; 0 is for ever. Its history stays longer.")
	fs.DurationVar(&o.Retention.History, "history-retention", o.Retention.History,
		"How long it is remembered that an issue was Active, after it was resolved or deleted; 0 is for ever.")
}

// Validate returns everything that is wrong with the flags.
func (o *IssuesOptions) Validate() []error {
	var errs []error
	if o.MaxActive < 0 {
		errs = append(errs, fmt.Errorf("--max-active-issues-per-namespace=%d: want 0 or more", o.MaxActive))
	}
	if o.Retention.Resolved < 0 {
		errs = append(errs, fmt.Errorf("--resolved-retention=%s: want 0 or more", o.Retention.Resolved))
	}
	if o.Retention.History < 0 {
		errs = append(errs, fmt.Errorf("--history-retention=%s: want 0 or more", o.Retention.History))
	}
	return errs
}

// ApplyTo sets what the flags say.
func (o *IssuesOptions) ApplyTo(cfg *apiserver.Config) {
	cfg.Issues.MaxActive = o.MaxActive
	cfg.Retention = o.Retention
}
