// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	expressions "kite.dev/kite/pkg/issuemonitor"
)

const document = "../../../../docs/user/monitors.md"

var (
	example = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	refusal = regexp.MustCompile(`(?m)^\* (\S+): Invalid value: (".*"): (line \d+, column \d+: .*)$`)
)

// TestDocumentedMonitor: the example of the documentation is valid, and does what it says.
func TestDocumentedMonitor(t *testing.T) {
	t.Parallel()
	monitor := decoded(t, example.FindStringSubmatch(read(t))[1])
	require.Equal(t, "certificates", monitor.Spec.Resource.Resource)
	require.Empty(t, testStrategy(true).Validate(t.Context(), monitor))

	compiled, errs := expressions.Compile(&monitor.Spec, field.NewPath("spec"))
	require.Empty(t, errs)
	input := expressions.Input{Object: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
		"metadata": map[string]any{"name": "shop", "namespace": testNamespace},
	}}}
	verdict, err := compiled.Judge(t.Context(), input)
	require.NoError(t, err)
	require.Equal(t, expressions.Recovered, verdict, "a new certificate has no status")

	input.Object.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "message": "order failed"}}}
	verdict, err = compiled.Judge(t.Context(), input)
	require.NoError(t, err)
	require.Equal(t, expressions.Failing, verdict)
	issue, err := compiled.Describe(t.Context(), input)
	require.NoError(t, err)
	require.Equal(t, "Certificate shop is not ready", issue.Title)
	require.Equal(t, "order failed", issue.Description)
	require.Equal(t, "NotReady", issue.Key)
	require.Len(t, issue.Links, 1)
}

// TestDocumentedRefusals are what the server says.
func TestDocumentedRefusals(t *testing.T) {
	t.Parallel()
	shown := refusal.FindAllStringSubmatch(read(t), -1)
	require.Len(t, shown, 2)
	for _, refused := range shown {
		text, err := strconv.Unquote(refused[2])
		require.NoError(t, err)
		monitor := newMonitor(func(m *issues.IssueMonitor) {
			switch refused[1] {
			case "spec.failing":
				m.Spec.Failing = text
			case "spec.issue.key":
				m.Spec.Issue.Key = text
			}
		})
		errs := testStrategy(true).Validate(t.Context(), monitor)
		require.NotEmpty(t, errs, refused[0])
		require.Equal(t, refused[1], errs[0].Field)
		require.Equal(t, refused[3], errs[0].Detail)
	}
}

func read(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(document)
	require.NoError(t, err)
	return string(content)
}

// decoded is the object as the server has it: nothing unknown, with its defaults.
func decoded(t *testing.T, text string) *issues.IssueMonitor {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(issues.SchemeGroupVersion)
	obj, err := runtime.Decode(decoder, []byte(strings.TrimSpace(text)))
	require.NoError(t, err)
	monitor, ok := obj.(*issues.IssueMonitor)
	require.True(t, ok)
	return monitor
}
