// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/test/pgtest"
)

const monitoring = "../../artifacts/monitoring/"

// expressions are all that rules and dashboard ask Prometheus, by their titles.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				For         metav1.Duration
				Annotations map[string]string
			}
		}
	}
	content, err := os.ReadFile(monitoring + "rules.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &rules))
	out := map[string]string{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			out[rule.Alert] = rule.Expr
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	content, err = os.ReadFile(monitoring + "dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &dashboard))
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			out[panel.Title+": "+target.Expr] = target.Expr
		}
	}
	return out
}

// TestMonitoringAsksForWhatIsServed: every metric and label of the example rules and of the
// dashboard is served, and objects are counted.
//
// Beside others it could fail: a process has one apiserver_resource_objects, which the end
// of each of its servers takes away.
func TestMonitoringAsksForWhatIsServed(t *testing.T) { //nolint:paralleltest // see above
	db := pgtest.Config(t)
	first := StartServer(t, WithPostgres(db))
	report(t, first, failed(1))
	report(t, first, succeeded(2))
	report(t, first, failed(3, func(spec *v1alpha1.IssueReportSpec) { spec.Issue.Key = "42" }))

	cfg := StartServer(t, WithPostgres(db))
	var served string
	require.Eventually(t, func() bool {
		_, content := Get(t.Context(), t, cfg, "/metrics")
		served = string(content)
		return strings.Contains(served, "kite_issues_active{") &&
			strings.Contains(served, "\n"+`apiserver_resource_objects{group="issues.kite.dev",resource="issues"} 2`+"\n")
	}, eventTimeout, 20*time.Millisecond, "issues are counted when a server starts")

	metric := regexp.MustCompile(`\b((?:kite|apiserver)_[a-z_]+)(\{([a-z_]+)[!=])?`)
	for title, expr := range expressions(t) {
		require.Equal(t, strings.Count(expr, "("), strings.Count(expr, ")"), title)
		asked := metric.FindAllStringSubmatch(expr, -1)
		require.NotEmpty(t, asked, title)
		for _, m := range asked {
			if strings.HasPrefix(m[1], "kite_config_") {
				continue // pkg/config tests it: this server has no file
			}
			series := `(?m)^` + m[1] + `[ {]`
			if m[3] != "" {
				series = `(?m)^` + m[1] + `\{[^}]*\b` + m[3] + `=`
			}
			require.Regexp(t, series, served, "%s asks for %s", title, m[0])
		}
	}
}
