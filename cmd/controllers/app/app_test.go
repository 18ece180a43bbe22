// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func TestSelects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason    string
		selectors []string
		byName    bool
		want      bool
	}{
		"All":       {"the default", []string{"*"}, false, true},
		"Named":     {"by name", []string{"pipelinerun"}, false, true},
		"Except":    {"switched off", []string{"*", "-pipelinerun"}, false, false},
		"Other":     {"another one only", []string{"other"}, false, false},
		"None":      {"nothing is selected", nil, false, false},
		"Conflict":  {"as in kube-controller-manager, on wins", []string{"-pipelinerun", "pipelinerun"}, false, true},
		"OnlyNamed": {"all are not all", []string{"*"}, true, false},
		"Both":      {"all and this one", []string{"*", "pipelinerun"}, true, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, selects(tc.selectors, controller{name: "pipelinerun", byName: tc.byName}), tc.reason)
		})
	}
}

func TestValidateTellsEverything(t *testing.T) {
	t.Parallel()
	o := NewOptions()
	require.Empty(t, o.Validate())

	o.Controllers = []string{"*", "-pipelinrun"}
	o.ConcurrentPipelineRuns = 0
	o.LogURL = "https://console.example.com/{run}"
	o.LeaderElection.RenewDeadline = o.LeaderElection.LeaseDuration
	err := errors.Join(o.Validate()...)
	require.ErrorContains(t, err, `"pipelinrun" is not a controller; there are pipelinerun, scopedeleted, servingcert`)
	require.ErrorContains(t, err, "--concurrent-pipelinerun-syncs")
	require.ErrorContains(t, err, `--log-url: "{run}" is none of`)
	require.ErrorContains(t, err, "--leader-elect-renew-deadline")
}

// Every flag of the command is read from the environment, and a flag wins.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	values := map[string]string{"bool": "true", "duration": "7s", "float32": "3", "int": "3", "string": "x", "stringSlice": "x"}
	NewCommand().Flags().VisitAll(func(flag *pflag.Flag) {
		t.Run(flag.Name, func(t *testing.T) {
			value, ok := values[flag.Value.Type()]
			if !ok {
				t.Skipf("has values of its own: %s", flag.Value.Type())
			}
			asked := false
			flags := NewCommand().Flags()
			require.NoError(t, applyEnvironment(flags, func(name string) (string, bool) {
				asked = asked || name == envName(flag.Name)
				return value, name == envName(flag.Name)
			}))
			require.True(t, asked)
			require.True(t, flags.Changed(flag.Name))
		})
	})

	flags := NewCommand().Flags()
	require.NoError(t, flags.Set("kubeconfig", "flag"))
	require.NoError(t, applyEnvironment(flags, func(string) (string, bool) { return "", false }))
	got, err := flags.GetString("kubeconfig")
	require.NoError(t, err)
	require.Equal(t, "flag", got)

	err = applyEnvironment(flags, func(name string) (string, bool) { return "many", name == "KITE_KUBE_API_BURST" })
	require.ErrorContains(t, err, "KITE_KUBE_API_BURST")
}

func TestHelpHasSections(t *testing.T) {
	t.Parallel()
	cmd, out := NewCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetArgs([]string{"--help"})
	require.NoError(t, cmd.Execute())
	for _, section := range []string{"Controllers flags:", "Host cluster flags:", "Leader election flags:", "Serving flags:", "Logs flags:"} {
		require.Contains(t, out.String(), section)
	}
}

// The command comes as far as the host cluster, with the arguments of the
// manifests.
func TestStopsWithoutACluster(t *testing.T) {
	t.Parallel()
	cmd := NewCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs([]string{"--logging-format=json", "--controllers=*,servingcert", "--kubeconfig=" + filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, cmd.ExecuteContext(t.Context()), "read the host cluster's address and credentials")
}
