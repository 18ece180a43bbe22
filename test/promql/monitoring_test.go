// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package promql asks Prometheus's own parser about artifacts/monitoring. It is a module
// of its own, so that the product does not depend on Prometheus.
package promql

import (
	"encoding/json"
	"log/slog"
	"os"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const monitoring = "../../artifacts/monitoring/"

// TestRules: Prometheus would load the rules, with their expressions, durations and the
// templates in their annotations.
func TestRules(t *testing.T) {
	t.Parallel()
	groups, errs := rulefmt.ParseFile(monitoring+"rules.yaml", false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.Default())
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil || len(groups.Groups) == 0 {
		t.Fatal("there are no rules")
	}
}

// TestDashboard: every query of the dashboard is PromQL.
func TestDashboard(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(monitoring + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(target.Expr); err != nil {
				t.Errorf("%s: %q: %v", panel.Title, target.Expr, err)
			}
		}
	}
	if queries == 0 {
		t.Fatal("there are no queries")
	}
}
