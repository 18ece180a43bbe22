// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	logsapi "k8s.io/component-base/logs/api/v1"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/cli"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
)

func configuration(t testing.TB, text string) *gateway.Configuration {
	t.Helper()
	c := &gateway.Configuration{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), c))
	config.Default(c)
	return c
}

func TestValidateTellsEverything(t *testing.T) {
	t.Parallel()
	require.Empty(t, validate(configuration(t, "{}")))

	got := validate(configuration(t, `
serving: {bindAddress: localhost}
health: {bindAddress: "8081"}
limits: {bodyBytes: 1, connections: 0, inFlight: 0, senderQPS: -1, senderBurst: 0, senders: 2000000}
timeouts: {read: 0s, report: 2h, write: 1s, idle: -1s, leave: -1s, shutdown: 0s}
logURL: ftp://x/{pod}
rules: {origins: [{match: '(', in: [Log], origin: human}]}
symptoms: [{symptom: crash loop, title: x}]
monitoringNamespaces: [monitoring, '*']
eventExpiry: 1s
`))
	for _, want := range []string{
		`serving.bindAddress: Invalid value: "localhost": must be host:port`,
		`health.bindAddress: Invalid value: "8081": must be host:port`,
		"limits.bodyBytes: Invalid value: 1: must be 1024 to 3145728",
		"limits.connections: Invalid value: 0: must be 1 to 100000",
		"limits.inFlight: Invalid value: 0: must be 1 to 10000",
		"limits.senderQPS: Invalid value: -1",
		"limits.senderBurst: Invalid value: 0",
		"limits.senders: Invalid value: 2000000",
		`timeouts.read: Invalid value: "0s": must be 1ms to 1h0m0s`,
		`timeouts.report: Invalid value: "2h0m0s"`,
		`timeouts.write: Invalid value: "1s": must be at least read and report together`,
		"timeouts.idle", "timeouts.leave", "timeouts.shutdown",
		"must be an http or https URL",
		`"{pod}" is none of {namespace} and {run}`,
		"rules.origins[0].match: Invalid value",
		"symptoms[0].symptom: Invalid value",
		`monitoringNamespaces[1]: Invalid value: "*"`,
		`eventExpiry: Invalid value: "1s": must be 1m0s to 720h0m0s`,
	} {
		require.ErrorContains(t, got.ToAggregate(), want)
	}
	require.Len(t, got, 20)
}

// TestReload: what is taken over while the process runs, and what is not.
func TestReload(t *testing.T) {
	t.Parallel()
	from := configuration(t, "{}")
	for text, fixed := range map[string]string{
		"logURL: https://x":          "",
		"rules: {}":                  "",
		"serving: {certDir: x}":      "serving",
		"health: {bindAddress: x}":   "health",
		"limits: {inFlight: 1}":      "limits",
		"timeouts: {report: 1s}":     "timeouts",
		"limits: {inFlight: 256}":    "",
		"timeouts: {idle: 120000ms}": "",
	} {
		err := canReload(from, configuration(t, text))
		if fixed == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, fixed+" changes only with a restart")
		}
	}

	p := &program{}
	require.NoError(t, p.apply(from))
	require.Empty(t, p.kiteSettings().LogURL)
	require.NoError(t, p.apply(configuration(t, "logURL: https://x")))
	require.Equal(t, "https://x", p.kiteSettings().LogURL)
	require.NotNil(t, p.kiteSettings().Rules)
	require.Equal(t, time.Hour, p.eventSettings().Expiry)
	require.NotNil(t, p.alertSettings().Symptoms.ByAlert("KubePodCrashLooping"))
	require.Empty(t, p.alertSettings().Monitoring, "no exporter is believed")
	require.NoError(t, p.apply(configuration(t, "{symptoms: [], eventExpiry: 2h, monitoringNamespaces: [monitoring]}")))
	require.Equal(t, 2*time.Hour, p.eventSettings().Expiry)
	require.Nil(t, p.alertSettings().Symptoms.ByAlert("KubePodCrashLooping"))
	require.True(t, p.alertSettings().Monitoring.Has("monitoring"))
}

// Every flag of the command is read from the environment, and a flag wins.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	values := map[string]string{"duration": "7s", "float64": "3", "int": "3", "int64": "3", "string": "x"}
	NewCommand().Flags().VisitAll(func(flag *pflag.Flag) {
		t.Run(flag.Name, func(t *testing.T) {
			value, ok := values[flag.Value.Type()]
			if !ok {
				t.Skipf("has values of its own: %s", flag.Value.Type())
			}
			flags := NewCommand().Flags()
			require.NoError(t, cli.ApplyEnvironment(flags, func(name string) (string, bool) {
				return value, name == cli.EnvName(flag.Name)
			}))
			require.True(t, flags.Changed(flag.Name))
		})
	})

	flags := NewCommand().Flags()
	err := cli.ApplyEnvironment(flags, func(name string) (string, bool) { return "many", name == "KITE_V" })
	require.ErrorContains(t, err, "KITE_V")
}

func TestHelpHasSections(t *testing.T) {
	t.Parallel()
	cmd, out := NewCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	cmd.SetArgs([]string{"--help"})
	require.NoError(t, cmd.Execute())
	for _, section := range []string{"Gateway flags:", "Host cluster flags:", "Logs flags:"} {
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
	cmd.SetArgs([]string{"--logging-format=json", "--kubeconfig=" + filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, cmd.ExecuteContext(t.Context()), "read the host cluster's address")
}
