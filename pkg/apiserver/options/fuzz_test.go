// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// FuzzDSNVariable: whatever the variable holds, no error repeats it.
func FuzzDSNVariable(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:hunter2@h:x/d", "hunter2", " \n", "host=h password=hunter2 port=x", "postgres://u:hun\x00hunter2@h", "sslmode=hunter2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		o := NewPostgresOptions()
		o.LookupEnv = func(string) (string, bool) { return dsn, true }
		if _, err := o.Config(); err != nil {
			require.NotContains(t, err.Error(), "hunter2")
		}
	})
}

// FuzzDuration: a history that is accepted is long enough, however it is written.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"10m", "75s", "74.999s", "-1h", "1e9s", "9223372036854775807ns", "2562048h", "٣m", "", "0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := NewPostgresOptions()
		o.LookupEnv = func(string) (string, bool) { return "host=h", true }
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.AddServeFlags(flags)
		if flags.Set("history", text) != nil {
			return
		}
		if cfg, err := o.Config(); err == nil && cfg.History != 0 {
			require.GreaterOrEqual(t, cfg.History, 75*time.Second)
		}
	})
}
