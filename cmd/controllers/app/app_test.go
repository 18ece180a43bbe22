// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	logsapi "k8s.io/component-base/logs/api/v1"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/cli"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/controllers/pipelinerun"
	"kite.dev/kite/pkg/rule"
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
	configuration := func(text string) *Configuration {
		c := &Configuration{}
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), c))
		config.Default(c)
		return c
	}
	require.Empty(t, validate(configuration("{}")))

	got := validate(configuration(`
controllers: ['*', -pipelinrun]
pipelineRun: {concurrentSyncs: 0, startTimeout: 10ms, logBytes: 100000, logURL: 'https://x/{pod}'}
rules: {origins: [{match: '(', in: [Log], origin: human}]}
clientConnection: {qps: 0, burst: -1}
leaderElection: {leaseDuration: 5s, retryPeriod: 0s}
health: {bindAddress: "8081"}
metrics: {bindAddress: localhost}
shutdownTimeout: 2h
`))
	for _, want := range []string{
		`controllers[1]: Unsupported value: "pipelinrun": supported values: "monitor", "pipelinerun", "scopedeleted", "servingcert", "gatewaycert"`,
		"pipelineRun.concurrentSyncs: Invalid value: 0: must be 1 to 100",
		`pipelineRun.startTimeout: Invalid value: "10ms": must be 1s to 24h`,
		"pipelineRun.logBytes: Invalid value: 100000: must be 0 to 65536",
		`pipelineRun.logURL: Invalid value: "https://x/{pod}": "{pod}" is none of {namespace}`,
		"rules.origins[0].match: Invalid value",
		"clientConnection.qps: Invalid value: 0: must be 1",
		"clientConnection.burst: Invalid value: -1: must be 1",
		`leaderElection.renewDeadline: Invalid value: "10s": must be less than leaseDuration`,
		`leaderElection.retryPeriod: Invalid value: "0s": must be more than 0s`,
		`health.bindAddress: Invalid value: "8081": must be host:port, or 0 for none`,
		`metrics.bindAddress: Invalid value: "localhost"`,
		`shutdownTimeout: Invalid value: "2h0m0s": must be more than 0s and at most 1h`,
	} {
		require.ErrorContains(t, got.ToAggregate(), want)
	}
	require.Len(t, got, 13)
	require.ErrorContains(t, validate(configuration("leaderElection: {retryPeriod: 10s}")).ToAggregate(), "retryPeriod: Invalid value: \"10s\": must be less than renewDeadline")
	require.Empty(t, validate(configuration("metrics: {bindAddress: '0'}")))
}

// TestReload: of every field it is known whether the running process takes it over, and no
// field is overlooked.
func TestReload(t *testing.T) {
	t.Parallel()
	taken := []string{"LogBytes", "LogURL", "MintMakerNamespace", "Rules", "StartTimeout"}
	from := &Configuration{}
	config.Default(from)
	require.NoError(t, canReload(from, from.DeepCopy()))
	for _, index := range fieldsOf(reflect.TypeFor[Configuration](), nil) {
		name := reflect.TypeFor[Configuration]().FieldByIndex(index).Name
		to := from.DeepCopy()
		value := reflect.ValueOf(to).Elem().FieldByIndex(index)
		value.Set(otherThan(t, value))
		if slices.Contains(taken, name) {
			require.NoError(t, canReload(from, to), name)
		} else {
			require.ErrorContains(t, canReload(from, to), "changes only with a restart", name)
		}
	}
}

// fieldsOf are the indexes of all fields that are no structs of this API.
func fieldsOf(kind reflect.Type, at []int) [][]int {
	var out [][]int
	for i := range kind.NumField() {
		index, sort := append(slices.Clone(at), i), kind.Field(i).Type
		switch {
		case sort == reflect.TypeFor[metav1.TypeMeta]():
		case sort.Kind() == reflect.Struct:
			out = append(out, fieldsOf(sort, index)...)
		default:
			out = append(out, index)
		}
	}
	return out
}

func otherThan(t *testing.T, value reflect.Value) reflect.Value {
	t.Helper()
	other := reflect.New(value.Type()).Elem() // nil where there are defaults
	if value.Kind() == reflect.String {
		other.SetString(value.String() + "x")
	}
	require.NotEqual(t, value.Interface(), other.Interface())
	return other
}

// TestFlagWinsOverFile at start; and what is not given stays the file's.
func TestFlagWinsOverFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte("apiVersion: config.kite.dev/v1alpha1\nkind: ControllersConfiguration\ncontrollers: [scopedeleted]\n"), 0o600))
	for want, flag := range map[string][]string{"scopedeleted": nil, "servingcert": {"servingcert"}} {
		o := NewOptions()
		o.Config, o.Controllers = path, flag
		p := &program{}
		file, err := o.loadConfiguration(p.apply)
		require.NoError(t, err)
		require.Equal(t, []string{want}, file.Current().Controllers)
		require.Equal(t, []string{want}, p.current.Load().Controllers)
	}
	o := NewOptions()
	o.Controllers = []string{"nothing"}
	_, err := o.loadConfiguration((&program{}).apply)
	require.ErrorContains(t, err, `controllers[0]: Unsupported value: "nothing"`)
}

// TestFlagReplacesFile: who chose in the file, in vain, is told.
func TestFlagReplacesFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, flag []string
		want       bool
	}{
		"Chosen":   {[]string{"*", "-monitor"}, []string{"*", "servingcert"}, true},
		"Same":     {[]string{"-monitor"}, []string{"-monitor"}, false},
		"Default":  {[]string{"*"}, []string{"*", "servingcert"}, false},
		"NoFlag":   {[]string{"-monitor"}, nil, false},
		"NoChoice": {[]string{}, []string{"monitor"}, true},
	} {
		o := NewOptions()
		o.Controllers = tc.flag
		require.Equal(t, tc.want, o.replacesControllers(&Configuration{Controllers: tc.file}), name)
	}
}

func TestPipelineRunConfig(t *testing.T) {
	t.Parallel()
	p, c := &program{}, &Configuration{}
	config.Default(c)
	require.NoError(t, p.apply(c))
	got := p.pipelineRunConfig(nil)
	require.Equal(t, "mintmaker", got.MintMakerNamespace)
	require.Equal(t, rule.MaxText, got.Logs.(*pipelinerun.PodLogs).Bytes)

	c = c.DeepCopy()
	c.PipelineRun.LogBytes = new(int32)
	c.PipelineRun.LogURL = "https://x"
	require.NoError(t, p.apply(c))
	got = p.pipelineRunConfig(nil)
	require.Nil(t, got.Logs)
	require.Equal(t, "https://x", got.LogURL)
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
			require.NoError(t, cli.ApplyEnvironment(flags, func(name string) (string, bool) {
				asked = asked || name == cli.EnvName(flag.Name)
				return value, name == cli.EnvName(flag.Name)
			}))
			require.True(t, asked)
			require.True(t, flags.Changed(flag.Name))
		})
	})

	flags := NewCommand().Flags()
	require.NoError(t, flags.Set("kubeconfig", "flag"))
	require.NoError(t, cli.ApplyEnvironment(flags, func(string) (string, bool) { return "", false }))
	got, err := flags.GetString("kubeconfig")
	require.NoError(t, err)
	require.Equal(t, "flag", got)

	err = cli.ApplyEnvironment(flags, func(name string) (string, bool) { return "many", name == "KITE_V" })
	require.ErrorContains(t, err, "KITE_V")
}

func TestHelpHasSections(t *testing.T) {
	t.Parallel()
	cmd, out := NewCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetArgs([]string{"--help"})
	require.NoError(t, cmd.Execute())
	for _, section := range []string{"Controllers flags:", "Host cluster flags:", "Logs flags:"} {
		require.Contains(t, out.String(), section)
	}
}

// The command comes as far as the host cluster, with the arguments of the manifests.
//
//nolint:paralleltest // it sets the log of the process
func TestStopsWithoutACluster(t *testing.T) {
	t.Cleanup(func() { require.NoError(t, logsapi.ResetForTest(NewOptions().Gates)) })
	cmd := NewCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs([]string{"--logging-format=json", "--controllers=*,servingcert", "--kubeconfig=" + filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, cmd.ExecuteContext(t.Context()), "read the host cluster's address and credentials")
}
