// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// TestPack: expressions see what people see, with whole numbers, and a cache finds its key.
func TestPack(t *testing.T) {
	t.Parallel()
	object := func(annotations map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.com/v1", "kind": "Widget",
			"metadata": map[string]any{
				"namespace": "team-a", "name": "w", "uid": "u", "resourceVersion": "7",
				"annotations": annotations, "labels": map[string]any{"team": "a"},
			},
			"status": map[string]any{"failures": int64(2), "ratio": 0.5, "parts": []any{nil, true}},
		}}
	}
	written := object(map[string]any{"team": "a", lastApplied: "{}"})
	written.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl"}})
	out, err := pack(written)
	require.NoError(t, err)
	kept, ok := out.(*packed)
	require.True(t, ok)
	require.Equal(t, types.NamespacedName{Namespace: "team-a", Name: "w"}, nameOf(kept))
	require.Equal(t, types.UID("u"), kept.UID)
	require.Equal(t, "7", kept.ResourceVersion)
	require.Equal(t, object(map[string]any{"team": "a"}).Object, kept.unpack().Object)

	again, err := pack(kept)
	require.NoError(t, err)
	require.Same(t, kept, again, "an informer packs again what it keeps")
}
