// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/apitesting/roundtrip"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/storage/postgres"
)

// envUpdate lets golden files be written anew.
const envUpdate = "KITE_UPDATE_GOLDEN"

const storedDir = "testdata/stored"

var storedCodec = postgres.NewCodec(Scheme, v1alpha1.SchemeGroupVersion)

// storedIssues are the objects whose bytes are kept in testdata/stored, by file.
func storedIssues(t *testing.T) map[string]runtime.Object {
	t.Helper()
	kind := v1alpha1.SchemeGroupVersion.WithKind("Issue")
	options := roundtrip.NewCompatibilityTestOptions(Scheme)
	options.Kinds = []schema.GroupVersionKind{kind}
	filled, ok := options.Complete(t).FilledObjects[kind].(*v1alpha1.Issue)
	require.True(t, ok)
	filled.SetResourceVersion("") // neither is stored
	filled.SetSelfLink("")
	return map[string]runtime.Object{
		"filled.json": filled,
		"minimal.json": &v1alpha1.Issue{
			ObjectMeta: metav1.ObjectMeta{Name: "frontend", Namespace: "team-gamma"},
			Spec: v1alpha1.IssueSpec{
				Title: "Build of frontend fails", Type: v1alpha1.TypeBuild, Severity: v1alpha1.SeverityMajor,
				Scope: v1alpha1.IssueScope{Kind: "Component", Name: "frontend"},
			},
		},
	}
}

// TestStoredBytes: the same object is stored as the same bytes. Others would write every
// object again when it is updated with no change.
func TestStoredBytes(t *testing.T) {
	t.Parallel()
	for name, obj := range storedIssues(t) {
		internal, err := Scheme.UnsafeConvertToVersion(obj.DeepCopyObject(), runtime.InternalGroupVersioner)
		require.NoError(t, err)
		data, err := runtime.Encode(storedCodec, internal)
		require.NoError(t, err)
		file := filepath.Join(storedDir, "HEAD", name)
		if os.Getenv(envUpdate) != "" {
			require.NoError(t, os.WriteFile(file, data, 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(data), "see %s/README.md", storedDir)
	}
}

// TestStoredByOlderVersions: what an older version has stored is still understood.
func TestStoredByOlderVersions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(storedDir, "v*", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		obj, err := runtime.Decode(storedCodec, data)
		require.NoError(t, err, file)
		again, err := runtime.Encode(storedCodec, obj)
		require.NoError(t, err, file)
		require.Empty(t, lost("", decodeAny(t, data), decodeAny(t, again)),
			"%s is not read as before: objects in databases lose this", file)
	}
}

func decodeAny(t *testing.T, data []byte) (value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &value))
	return value
}

// lost are the paths of what is in before, and not, or not the same, in after.
func lost(path string, before, after any) (paths []string) {
	switch before := before.(type) {
	case map[string]any:
		object, ok := after.(map[string]any)
		if !ok {
			return []string{path}
		}
		for name, value := range before {
			paths = append(paths, lost(path+"."+name, value, object[name])...)
		}
	case []any:
		list, ok := after.([]any)
		if !ok || len(list) != len(before) {
			return []string{path}
		}
		for i, value := range before {
			paths = append(paths, lost(fmt.Sprintf("%s[%d]", path, i), value, list[i])...)
		}
	default:
		if before != after {
			return []string{path}
		}
	}
	return paths
}

func TestLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason, before, after string
		want                  []string
	}{
		"Same":    {"nothing changed", `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, nil},
		"Added":   {"a default that came later", `{"a":{"b":1}}`, `{"a":{"b":1,"c":2}}`, nil},
		"Removed": {"a field that is not read any more", `{"a":{"b":1}}`, `{"a":{}}`, []string{".a.b"}},
		"Changed": {"a value with another meaning", `{"a":["x"]}`, `{"a":["y"]}`, []string{".a[0]"}},
		"Shorter": {"an element that is gone", `{"a":[1,2]}`, `{"a":[1]}`, []string{".a"}},
		"Type":    {"an object that became text", `{"a":{"b":1}}`, `{"a":"b"}`, []string{".a"}},
	} {
		require.Equal(t, tc.want, lost("", decodeAny(t, []byte(tc.before)), decodeAny(t, []byte(tc.after))), "%s: %s", name, tc.reason)
	}
}
