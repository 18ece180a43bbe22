// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func TestEnvironmentErrors(t *testing.T) {
	t.Parallel()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.Int("secure-port", 1, "")
	fs.Bool("profiling", true, "")
	fs.Bool("version", false, "")
	err := ApplyEnvironment(fs, func(string) (string, bool) { return "abc", true })
	require.ErrorContains(t, err, "KITE_SECURE_PORT", "every error at once")
	require.ErrorContains(t, err, "KITE_PROFILING", "every error at once")
	require.NotContains(t, err.Error(), "KITE_VERSION", "a common name that is not ours")
}
