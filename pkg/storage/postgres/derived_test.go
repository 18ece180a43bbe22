// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/apis/example"
)

// TestDerivedIsShared: what is made of a shared object is made once, encoded once, and
// counted with it.
func TestDerivedIsShared(t *testing.T) {
	t.Parallel()
	var made, encoded, grown int
	original := &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "7", Labels: map[string]string{"a": "b"}}}
	object := newCachedObject(original, func(bytes int) { grown += bytes })
	derive := func(in runtime.Object) runtime.Object {
		made++
		return &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: "derived", Labels: in.(*example.Pod).Labels}}
	}
	encode := func(_ runtime.Object, w io.Writer) error {
		encoded++
		_, err := w.Write([]byte("12345"))
		return err
	}
	for range 2 {
		derived, ok := object.Derived(derive).(runtime.CacheableObject)
		require.True(t, ok)
		require.NoError(t, derived.CacheEncode("json", encode, &bytes.Buffer{}))
		derived.GetObject().(*example.Pod).Labels["a"] = "changed"
	}
	require.Equal(t, []int{1, 1, 5}, []int{made, encoded, grown})
	require.Equal(t, "7", object.ResourceVersion())
	require.Equal(t, "b", original.Labels["a"], "what a watch gets is its own")
}
