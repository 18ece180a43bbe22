// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
)

func TestLeadingKindReadsWhatUpstreamReads(t *testing.T) {
	t.Parallel()
	want := schema.GroupVersionKind{Group: "issues.kite.dev", Version: "v1alpha1", Kind: "Issue"}
	for name, tc := range map[string]struct {
		reason string
		data   string
		want   *schema.GroupVersionKind
	}{
		"as encoded":     {"TypeMeta comes first", `{"kind":"Issue","apiVersion":"issues.kite.dev/v1alpha1","metadata":{"kind":"no"}}`, &want},
		"other order":    {"somebody else wrote it", `{"apiVersion":"issues.kite.dev/v1alpha1","kind":"Issue"}`, &want},
		"behind":         {"somebody else wrote it", `{"metadata":{},"kind":"Issue","apiVersion":"issues.kite.dev/v1alpha1"}`, &want},
		"spaces":         {"somebody else wrote it", `{ "kind": "Issue", "apiVersion": "issues.kite.dev/v1alpha1" }`, &want},
		"escapes":        {"they have to be unquoted", `{"kind":"\u0049ssue","apiVersion":"issues.kite.dev\/v1alpha1"}`, &want},
		"no version":     {"the legacy group", `{"kind":"Issue","metadata":{}}`, &schema.GroupVersionKind{Kind: "Issue"}},
		"nothing":        {"no kind is upstream's to judge", `{}`, &schema.GroupVersionKind{}},
		"cut":            {"the end is missing", `{"kind":"Issue","apiVersion":"issues.kite`, nil},
		"cut in kind":    {"the end is missing", `{"kind":"Iss`, nil},
		"cut in escape":  {"the end is missing", `{"kind":"Iss\`, nil},
		"group of three": {"too many slashes", `{"kind":"Issue","apiVersion":"a/b/c"}`, nil},
		"empty":          {"no document", ``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := leadingKind{}.Interpret([]byte(tc.data))
			upstream, upstreamErr := json.DefaultMetaFactory.Interpret([]byte(tc.data))
			require.Equal(t, upstreamErr == nil, err == nil, "%s: %v and %v", tc.reason, err, upstreamErr)
			require.Equal(t, upstream, got, tc.reason)
			require.Equal(t, tc.want, got, tc.reason)
		})
	}
}
