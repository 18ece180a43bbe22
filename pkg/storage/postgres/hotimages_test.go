// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	testingclock "k8s.io/utils/clock/testing"
)

// imageStore is a store that can make images, and nothing else.
func imageStore() (*Store, *testingclock.FakeClock) {
	fake := testingclock.NewFakeClock(time.Unix(1_795_000_000, 0))
	engine := &Engine{cfg: Config{Clock: fake}}
	engine.feed = newFeed(engine)
	return &Store{
		StoreConfig: StoreConfig{Codec: runtime.NewCodec(unstructured.UnstructuredJSONScheme, unstructured.UnstructuredJSONScheme), Transformer: identity.NewEncryptCheckTransformer()},
		engine:      engine,
	}, fake
}

func storedObject(t *testing.T, padding int) []byte {
	t.Helper()
	obj := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Thing"}}
	obj.SetName("a")
	obj.SetAnnotations(map[string]string{"padding": string(bytes.Repeat([]byte("x"), padding))})
	data, err := obj.MarshalJSON()
	require.NoError(t, err)
	return data
}

func imageOf(t *testing.T, s *Store, lazy *lazyImage, stored []byte) *image {
	t.Helper()
	i, err := lazy.get(t.Context(), s, "/things/a", stored, 7)
	require.NoError(t, err)
	return i
}

// requireCounted checks that the bytes are those of the images that events hold.
func requireCounted(t *testing.T, hot *hotImages) {
	t.Helper()
	sum := 0
	for _, held := range hot.queue {
		require.Positive(t, held.image.bytes)
		sum += held.image.bytes
	}
	require.Equal(t, sum, hot.bytes)
	require.LessOrEqual(t, hot.bytes, hotBytes)
}

// TestHotImagesAreBounded decodes and encodes more than fits: the oldest go, and can be
// decoded again.
func TestHotImagesAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := imageStore()
	hot := &s.engine.feed.hot
	stored := storedObject(t, 100<<10)
	lazies := make([]lazyImage, 200)
	for n := range lazies {
		i := imageOf(t, s, &lazies[n], stored)
		require.Same(t, i, imageOf(t, s, &lazies[n], stored))
		require.Equal(t, "7", i.object.(metav1.Object).GetResourceVersion())
		encode := func(_ runtime.Object, w io.Writer) error { _, err := w.Write(stored); return err }
		require.NoError(t, i.shared.CacheEncode("json", encode, io.Discard))
		requireCounted(t, hot)
	}
	require.Nil(t, lazies[0].image.Load())
	require.NotNil(t, lazies[199].image.Load())
	kept := len(hot.queue)
	require.Less(t, kept, 100)

	gone := &image{}
	gone.shared = newCachedObject(&unstructured.Unstructured{}, func(bytes int) { hot.grow(gone, bytes) })
	encode := func(_ runtime.Object, w io.Writer) error { _, err := w.Write(stored); return err }
	require.NoError(t, gone.shared.CacheEncode("json", encode, io.Discard))
	requireCounted(t, hot)
	require.NotNil(t, imageOf(t, s, &lazies[0], stored))
	requireCounted(t, hot)
}

// An object that is larger than all the room is shared by nobody, and does no harm.
func TestHotImageLargerThanTheRoom(t *testing.T) {
	t.Parallel()
	s, _ := imageStore()
	var lazy lazyImage
	require.NotNil(t, imageOf(t, s, &lazy, storedObject(t, hotBytes/imageFactor)))
	require.Nil(t, lazy.image.Load())
	require.Empty(t, s.engine.feed.hot.queue)
	requireCounted(t, &s.engine.feed.hot)
}

// An image is shared for some seconds: a table that is made of it tells how old the
// object is.
func TestImageGrowsOld(t *testing.T) {
	t.Parallel()
	s, fake := imageStore()
	stored := storedObject(t, 10)
	var lazy, other lazyImage
	first := imageOf(t, s, &lazy, stored)
	fake.Step(imageAge - 1)
	require.Same(t, first, imageOf(t, s, &lazy, stored))
	fake.Step(1)
	second := imageOf(t, s, &lazy, stored)
	require.NotSame(t, first, second)
	imageOf(t, s, &other, stored)
	require.Len(t, s.engine.feed.hot.queue, 2, "the old one is forgotten")
	requireCounted(t, &s.engine.feed.hot)
	require.Same(t, second, imageOf(t, s, &lazy, stored))
}

// What could not be read is tried again.
func TestImageErrorIsNotKept(t *testing.T) {
	t.Parallel()
	s, _ := imageStore()
	var lazy lazyImage
	_, err := lazy.get(t.Context(), s, "/things/a", []byte("broken"), 7)
	require.Error(t, err)
	require.NotNil(t, imageOf(t, s, &lazy, storedObject(t, 10)))
}
