// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/cli"
)

// sample holds two valid values of a flag, neither of them a default.
type sample struct{ environment, flag string }

var samplesByType = map[string]sample{
	"bool":                               {"true", "false"},
	"int":                                {"41", "42"},
	"int32":                              {"41", "42"},
	"int64":                              {"41", "42"},
	"uint64":                             {"41", "42"},
	"float32":                            {"0.25", "0.5"},
	"float64":                            {"0.01", "0.02"},
	"duration":                           {"41s", "42s"},
	"string":                             {"from-environment", "from-flag"},
	"strings":                            {"from-environment", "from-flag"},
	"stringSlice":                        {"from-environment", "from-flag"},
	"ip":                                 {"192.0.2.1", "192.0.2.2"},
	"int32Slice":                         {"23", "24"},
	"namedCertKey":                       {"a.crt,a.key", "b.crt,b.key"},
	"quantity":                           {"41Mi", "42Mi"},
	"Level":                              {"4", "5"},
	"verbosityLevel":                     {"4", "5"},
	"pattern=N,...":                      {"a=1", "b=2"},
	"colonSeparatedMultimapStringString": {"kube:WatchList=true", "kube:WatchList=false"},
}

// samplesByName is for flags that take only some values of their type.
var samplesByName = map[string]sample{
	"logging-format": {"json", "text"},
}

func newFlags(t *testing.T) *pflag.FlagSet {
	t.Helper()
	all := pflag.NewFlagSet("all", pflag.ContinueOnError)
	sections := NewOptions().Flags()
	for _, name := range sections.Order {
		all.AddFlagSet(sections.FlagSets[name])
	}
	return all
}

// TestEveryFlagAsEnvironment walks all flags: without a variable the default stays,
// a variable sets it, the command line wins over the variable. Feature gates and
// emulated versions are global upstream, so this test is not parallel.
func TestEveryFlagAsEnvironment(t *testing.T) { //nolint:paralleltest // see above
	none := func(string) (string, bool) { return "", false }
	newFlags(t).VisitAll(func(f *pflag.Flag) {
		s, known := samplesByName[f.Name]
		if !known {
			s, known = samplesByType[f.Value.Type()]
		}
		require.True(t, known, "--%s: no sample for type %s", f.Name, f.Value.Type())
		set := func(name string) (string, bool) { return s.environment, name == cli.EnvName(f.Name) }

		fs := newFlags(t)
		byDefault := fs.Lookup(f.Name).Value.String()
		require.NoError(t, cli.ApplyEnvironment(fs, none))
		require.Equal(t, byDefault, fs.Lookup(f.Name).Value.String(), "--%s", f.Name)
		require.False(t, fs.Changed(f.Name))

		want := newFlags(t)
		require.NoError(t, want.Set(f.Name, s.environment))
		require.NoError(t, cli.ApplyEnvironment(fs, set), "--%s", f.Name)
		require.Equal(t, want.Lookup(f.Name).Value.String(), fs.Lookup(f.Name).Value.String(), "--%s", f.Name)
		require.True(t, fs.Changed(f.Name), "--%s is not read from %s", f.Name, cli.EnvName(f.Name))

		want, fs = newFlags(t), newFlags(t)
		require.NoError(t, want.Set(f.Name, s.flag))
		require.NoError(t, fs.Parse([]string{"--" + f.Name + "=" + s.flag}))
		require.NoError(t, cli.ApplyEnvironment(fs, set))
		require.Equal(t, want.Lookup(f.Name).Value.String(), fs.Lookup(f.Name).Value.String(), "--%s", f.Name)
	})
}

func TestNoFlagHoldsTheDSN(t *testing.T) {
	t.Parallel()
	newFlags(t).VisitAll(func(f *pflag.Flag) {
		require.NotEqual(t, EnvDSN, cli.EnvName(f.Name), "command lines are visible to others")
	})
}
