// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"fmt"

	"github.com/spf13/pflag"

	"kite.dev/kite/pkg/registry/issues/issue"
)

// defaultMaxActive is far above what a team can look at, and bounds what one can cost.
const defaultMaxActive = 10_000

// IssuesOptions bound issues.
type IssuesOptions struct {
	// MaxActive is how many issues of a namespace may be Active; 0 is any number.
	MaxActive int64
}

// NewIssuesOptions returns the defaults.
func NewIssuesOptions() *IssuesOptions { return &IssuesOptions{MaxActive: defaultMaxActive} }

// AddFlags adds the flags.
func (o *IssuesOptions) AddFlags(fs *pflag.FlagSet) {
	fs.Int64Var(&o.MaxActive, "max-active-issues-per-namespace", o.MaxActive,
		"How many issues of a namespace may be Active; 0 is any number. A write or report that would open one more "+
			"is forbidden. An issue that is Active already can always be updated.")
}

// Validate returns everything that is wrong with the flags.
func (o *IssuesOptions) Validate() []error {
	if o.MaxActive < 0 {
		return []error{fmt.Errorf("--max-active-issues-per-namespace=%d: want 0 or more", o.MaxActive)}
	}
	return nil
}

// ApplyTo sets what the flags say.
func (o *IssuesOptions) ApplyTo(cfg *issue.Config) { cfg.MaxActive = o.MaxActive }
