// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestLogURL(t *testing.T) {
	t.Parallel()
	const deep = "https://console.example/ns/{namespace}/applications/{application}/pipelineruns/{name}/logs?c={component}&u={uid}"
	shop := []runOption{label(labelApplication, "shop"), label(labelComponent, "frontend")}
	cases := map[string]struct {
		reason   string
		template string
		run      *tektonv1.PipelineRun
		want     string
	}{
		"All": {
			"every placeholder", deep, failing(shop...),
			"https://console.example/ns/team-gamma/applications/shop/pipelineruns/web-build-1/logs?c=frontend&u=run-1",
		},
		"Incomplete": {"no page is better than a wrong one", deep, failing(shop[0]), ""},
		"Own":        {"the run knows best", deep, failing(append(shop, annotation(pacPrefix+pacLogURL, "https://own.example"))...), "https://own.example"},
		"OwnBad": {
			"what is no address is passed over", "https://console.example/{name}",
			failing(annotation(pacPrefix+pacLogURL, "javascript:alert(1)")), "https://console.example/web-build-1",
		},
		"None": {"nobody says", "", failing(shop...), ""},
		"Long": {
			"longer than the API takes", "https://console.example/{namespace}",
			failing(func(run *tektonv1.PipelineRun) { run.Namespace = strings.Repeat("x", maxURL) }), "",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t)
			config.LogURL = tc.template
			require.NoError(t, CheckLogURL(tc.template))
			spec := config.failure(tc.run, failed, nil, "")
			require.Equal(t, tc.want, spec.Run.URL, tc.reason)
			if tc.want == "" {
				require.Empty(t, spec.Issue.Links)
				return
			}
			require.Equal(t, []issuesv1alpha1.IssueLink{
				{Title: "Log of PipelineRun web-build-1", URL: tc.want, Kind: issuesv1alpha1.LinkLog},
			}, spec.Issue.Links)
		})
	}
}

func TestCheckLogURL(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"https://console.example/{pod}":                    `"{pod}" is none of {namespace}`,
		"https://console.example/{name":                    `"{name" is none of`,
		"https://console.example/name}":                    `"}" is none of`,
		"console.example/{name}":                           "no absolute http or https URL",
		"ftp://console.example/{name}":                     "no absolute http or https URL",
		"https://c.example/" + strings.Repeat("x", maxURL): "at most 2048 bytes",
	} {
		require.ErrorContains(t, CheckLogURL(template), want)
	}
}
