// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuemonitor"
)

const notReady = `object.?status.?conditions.orValue([]).exists(c, c.type == "Ready" && c.status == "False")`

// newSpec watches certificates that are not ready.
func newSpec(edit ...func(*issues.IssueMonitorSpec)) *issues.IssueMonitorSpec {
	out := &issues.IssueMonitorSpec{
		Resource: issues.MonitoredResource{Group: "cert-manager.io", Version: "v1", Kind: "Certificate", Resource: "certificates"},
		Failing:  notReady,
		Issue: issues.IssueTemplate{
			Type: issues.TypeRuntime, Severity: issues.SeverityMajor,
			Title: `"Certificate " + object.metadata.name + " is not ready"`,
		},
	}
	for _, f := range edit {
		f(out)
	}
	return out
}

// newInput is a certificate that is not ready, and belongs to an ingress.
func newInput(edit ...func(map[string]any)) issuemonitor.Input {
	content := map[string]any{
		"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
		"metadata": map[string]any{"name": "shop", "namespace": "team-gamma", "uid": "c1"},
		"spec":     map[string]any{"replicas": int64(3), "share": 0.5},
		"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Ready", "status": "False", "message": "order\nfailed"},
		}},
	}
	for _, f := range edit {
		f(content)
	}
	return issuemonitor.Input{
		Object: &unstructured.Unstructured{Object: content},
		Owner:  issuemonitor.Owner{APIGroup: "networking.k8s.io", Kind: "Ingress", Name: "web", UID: "i1"},
	}
}

func ready(content map[string]any) {
	content["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
}

func week() *metav1.Duration { return &metav1.Duration{Duration: 168 * time.Hour} }
