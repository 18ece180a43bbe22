// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

var updateGolden = flag.Bool("update", false, "write testdata")

const head = "apiVersion: config.kite.dev/v1alpha1\nkind: ControllersConfiguration\n"

type configuration = configv1alpha1.ControllersConfiguration

func empty() *configuration { return &configuration{} }

// world is a file, and what a program made of it.
type world struct {
	*File[*configuration]

	applied chan *configuration
}

func load(t *testing.T, text string) (*world, error) {
	t.Helper()
	w := &world{applied: make(chan *configuration, 10)}
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	file, err := Load(path, empty, Rules[*configuration]{
		Validate: func(c *configuration) error {
			if c.PipelineRun.LogURL == "bad" {
				return errors.New("pipelineRun.logURL is bad")
			}
			return nil
		},
		CanReload: func(from, to *configuration) error {
			if from.Metrics != to.Metrics {
				return errors.New("metrics: needs a restart")
			}
			return nil
		},
		Apply: func(c *configuration) error { w.applied <- c; return nil },
	})
	w.File = file
	return w, err
}

func (w *world) write(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(w.path, []byte(text), 0o600))
}

// TestDefaults compares the defaults with what was reviewed: -update writes them anew. As
// a file they mean the same.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for name, defaults := range map[string]runtime.Object{
		"controllers": &configv1alpha1.ControllersConfiguration{},
		"gateway":     &configv1alpha1.GatewayConfiguration{},
	} {
		golden := filepath.Join("testdata", name+".yaml")
		Default(defaults)
		got, err := encode(defaults)
		require.NoError(t, err)
		if *updateGolden {
			require.NoError(t, os.WriteFile(golden, got, 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		again, err := decode[runtime.Object](got)
		require.NoError(t, err)
		again.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		require.Equal(t, defaults, again)
	}
}

func TestLoadTellsMistakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"Unknown":   {head + "colour: red\npipelineRun: {logBites: 1}\n", []string{`unknown field "colour"`, `unknown field "pipelineRun.logBites"`}},
		"Twice":     {head + "shutdownTimeout: 1s\nshutdownTimeout: 2s\n", []string{`key "shutdownTimeout" already set`}},
		"Kind":      {"apiVersion: config.kite.dev/v1alpha1\nkind: Other\n", []string{`no kind "Other"`}},
		"Program":   {"apiVersion: config.kite.dev/v1alpha1\nkind: GatewayConfiguration\n", []string{"GatewayConfiguration is the configuration of another program: want ControllersConfiguration"}},
		"Version":   {"apiVersion: config.kite.dev/v9\nkind: ControllersConfiguration\n", []string{"config.kite.dev/v9"}},
		"NoKind":    {"shutdownTimeout: 1s\n", []string{"Kind"}},
		"Type":      {head + "pipelineRun: {logBytes: many}\n", []string{"logBytes"}},
		"Documents": {head + "---\n" + head, []string{"more than one document"}},
		"Invalid":   {head + "pipelineRun: {logURL: bad}\n", []string{"pipelineRun.logURL is bad"}},
		"Mixed":     {head + "colour: red\npipelineRun: {logURL: bad}\n", []string{`unknown field "colour"`, "pipelineRun.logURL is bad"}},
		"Repeated":  {head + "pipelineRun: {logURL: good}\npipelineRun: {logURL: bad}\n", []string{"already set", "pipelineRun.logURL is bad"}},
		"Large":     {head + "#" + strings.Repeat("x", maxFile), []string{"more than 1048576 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := load(t, tc.text)
			require.Error(t, err)
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
			require.ErrorContains(t, err, "config")
			require.Empty(t, w.applied)
		})
	}
	_, err := Load(filepath.Join(t.TempDir(), "nothing"), empty, Rules[*configuration]{})
	require.ErrorContains(t, err, "read the configuration: open")
}

func TestWithoutFile(t *testing.T) {
	t.Parallel()
	applied := 0
	file, err := Load("", empty, Rules[*configuration]{
		Validate: func(*configuration) error { return nil },
		Apply:    func(*configuration) error { applied++; return nil },
	})
	require.NoError(t, err)
	file.Follow(t.Context(), nil) // ends at once
	require.Equal(t, 1, applied)
	require.Equal(t, []string{"*"}, file.Current().Controllers)
}

// TestFollow: a change is taken over or refused whole, and the refusal ends with the next
// file that can be used.
func TestFollow(t *testing.T) {
	t.Parallel()
	w, err := load(t, head)
	require.NoError(t, err)
	require.Equal(t, "mintmaker", *(<-w.applied).PipelineRun.MintMakerNamespace)
	healthy := func() float64 { return testutil.ToFloat64(w.LastReload()) }

	w.reload(t.Context())
	require.Empty(t, w.applied, "nothing has changed")
	for name, text := range map[string]string{
		"Syntax":  "{",
		"Invalid": head + "pipelineRun: {logURL: bad}\n",
		"Restart": head + "pipelineRun: {logURL: other}\nmetrics: {certDir: x}\n",
	} {
		w.write(t, text)
		w.reload(t.Context())
		w.reload(t.Context())
		require.Empty(t, w.applied, name)
		require.Zero(t, healthy(), name)
		require.Empty(t, w.Current().PipelineRun.LogURL, name)
	}
	require.NoError(t, os.Remove(w.path))
	w.reload(t.Context())
	require.Zero(t, healthy())

	w.write(t, head)
	w.reload(t.Context())
	require.InDelta(t, 1, healthy(), 0, "the file says what is in force")

	w.write(t, head+"pipelineRun: {logURL: 'https://x/{name}'}\n")
	w.reload(t.Context())
	require.Equal(t, "https://x/{name}", w.Current().PipelineRun.LogURL)
	require.InDelta(t, 1, healthy(), 0)
}

// TestReloadAlert: the example rules ask for the metric by its name.
func TestReloadAlert(t *testing.T) {
	t.Parallel()
	w, err := load(t, head)
	require.NoError(t, err)
	described := make(chan *prometheus.Desc, 1)
	w.LastReload().Describe(described)
	rules, err := os.ReadFile("../../artifacts/monitoring/rules.yaml")
	require.NoError(t, err)
	name := regexp.MustCompile(`\((kite_config_\w+)\)`).FindSubmatch(rules)
	require.NotNil(t, name)
	require.Contains(t, (<-described).String(), `"`+string(name[1])+`"`)
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	w, err := load(t, head)
	require.NoError(t, err)
	<-w.applied
	clock := testingclock.NewFakeClock(time.Now())
	done := make(chan struct{})
	go func() { defer close(done); w.Follow(t.Context(), clock) }()
	w.write(t, head+"pipelineRun: {logBytes: 0}\n")
	require.Eventually(t, clock.HasWaiters, time.Minute, time.Millisecond)
	clock.Step(interval)
	require.Zero(t, *(<-w.applied).PipelineRun.LogBytes)
	t.Cleanup(func() { <-done }) // the test's context ends before
}

// TestShow: what is shown can be used as a file.
func TestShow(t *testing.T) {
	t.Parallel()
	w, err := load(t, head+"controllers: ['*', -pipelinerun]\n")
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/configz", http.NoBody))
	require.Equal(t, "application/yaml", answer.Header().Get("Content-Type"))
	got, err := decode[*configuration](answer.Body.Bytes())
	require.NoError(t, err)
	require.Equal(t, []string{"*", "-pipelinerun"}, got.Controllers)
	require.NotEmpty(t, got.Rules.Causes)
}

// TestShowNone: a list that the file empties is shown, or would be a default's.
func TestShowNone(t *testing.T) {
	t.Parallel()
	for field, text := range map[string]string{
		"symptoms": "apiVersion: config.kite.dev/v1alpha1\nkind: GatewayConfiguration\nsymptoms: []\n", "controllers": head + "controllers: []\n",
	} {
		decoded, err := decode[runtime.Object]([]byte(text))
		require.NoError(t, err)
		shown, err := encode(decoded)
		require.NoError(t, err)
		require.Contains(t, string(shown), field+": []\n")
	}
}
