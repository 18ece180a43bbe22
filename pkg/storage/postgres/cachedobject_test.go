// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/storage/postgres"
)

// countingCodec counts what it decodes.
type countingCodec struct {
	runtime.Codec
	decoded atomic.Int64
}

func (c *countingCodec) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	c.decoded.Add(1)
	return c.Codec.Decode(data, defaults, into)
}

// countingEncoder counts the objects that it encodes, below the layer that finds
// encodings in objects.
type countingEncoder struct {
	runtime.Encoder
	encoded atomic.Int64
}

func (c *countingEncoder) Encode(obj runtime.Object, w io.Writer) error {
	c.encoded.Add(1)
	return c.Encoder.Encode(obj, w)
}

// standingClock is the real clock, but the time of day does not pass.
type standingClock struct {
	clock.RealClock
	now time.Time
}

func (c standingClock) Now() time.Time { return c.now }

// attrsCounter counts how often attributes are read.
type attrsCounter struct{ read atomic.Int64 }

func (c *attrsCounter) attrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	c.read.Add(1)
	return projectedFields(obj)
}

// However many watches there are, an event's versions are decoded once, their
// attributes are read once, and each media type is encoded once.
func TestWatchesShareTheirWork(t *testing.T) {
	t.Parallel()
	c := newCluster(t, func(cfg *postgres.Config) { cfg.Clock = standingClock{now: time.Unix(1_795_000_000, 0)} })
	_, writer := c.open(t)
	codec, attrs := &countingCodec{Codec: podCodec}, &attrsCounter{}
	_, reader := c.open(t, func(cfg *postgres.StoreConfig) { cfg.Codec, cfg.GetAttrs = codec, attrs.attrs })
	const watchesEach = 30
	encoders := map[string]*countingEncoder{}
	for name, options := range map[string]json.SerializerOptions{"json": {}, "pretty": {Pretty: true}, "yaml": {Yaml: true}} {
		encoders[name] = &countingEncoder{Encoder: json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, options)}
	}
	codecs := serializer.NewCodecFactory(scheme)
	start := c.newest(t)
	create(t, writer, newPod("a"))
	for i, node := range []string{"a", "b", "b"} {
		_, err := update(t.Context(), writer, "a", func(pod *example.Pod) { pod.Spec.NodeName, pod.Spec.Hostname = node, fmt.Sprint(i) })
		require.NoError(t, err)
	}
	require.NoError(t, remove(t.Context(), writer, "a"))
	kinds := map[string][]watch.EventType{
		"":  {watch.Added, watch.Modified, watch.Modified, watch.Modified, watch.Deleted},
		"a": {watch.Added, watch.Deleted},
		"b": {watch.Added, watch.Modified, watch.Deleted},
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	outputs := map[string]map[string]struct{}{} // by media type and event
	for node, want := range kinds {
		for name, encoder := range encoders {
			for range watchesEach {
				w := startWatch(t.Context(), t, reader, start, func(opts *storage.ListOptions) {
					if node != "" {
						opts.Predicate.Field = fields.OneTermEqualSelector("spec.nodeName", node)
					}
				})
				work.Go(func() {
					for _, kind := range want {
						ev := <-w.ResultChan()
						if ev.Type != kind {
							t.Errorf("want %s, got %s", kind, ev.Type)
						}
						var out bytes.Buffer
						if err := codecs.EncoderForVersion(encoder, examplev1.SchemeGroupVersion).Encode(ev.Object, &out); err != nil {
							t.Errorf("encode: %v", err)
						}
						accessor, _ := meta.Accessor(ev.Object)
						id := fmt.Sprint(name, accessor.GetResourceVersion(), ev.Type == watch.Deleted)
						mu.Lock()
						if outputs[id] == nil {
							outputs[id] = map[string]struct{}{}
						}
						outputs[id][out.String()] = struct{}{}
						mu.Unlock()
					}
				})
			}
		}
	}
	work.Wait()
	require.EqualValues(t, 8, codec.decoded.Load(), "the new version of four events, the old one of four")
	require.EqualValues(t, 8, attrs.read.Load())
	for name, encoder := range encoders {
		// The change from a to b is Deleted, with the old version, for the watches of a.
		require.EqualValues(t, 6, encoder.encoded.Load(), name)
	}
	require.Len(t, outputs, len(encoders)*6)
	for id, texts := range outputs {
		require.Len(t, texts, 1, id)
		for text := range texts {
			require.Contains(t, text, "Pod", id)
		}
	}
}

// What one watch's reader does to an object, no other sees.
func TestReadersCannotChangeSharedObjects(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, store := c.open(t)
	start := c.newest(t)
	one, two := startWatch(t.Context(), t, store, start), startWatch(t.Context(), t, store, start)
	create(t, store, newPod("a"))
	first := (<-one.ResultChan()).Object
	shared, ok := first.(runtime.CacheableObject)
	require.True(t, ok)
	pod, ok := shared.GetObject().(*example.Pod)
	require.True(t, ok)
	pod.Labels = map[string]string{"x": "y"}
	pod.Spec.NodeName = "x"
	accessor, err := meta.Accessor(first)
	require.NoError(t, err)
	accessor.SetResourceVersion("1")
	accessor.SetAnnotations(map[string]string{"x": "y"})
	first.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{Kind: "Other"})
	copied, ok := first.DeepCopyObject().(*example.Pod)
	require.True(t, ok)
	copied.Name = "x"

	want := get(t, store, "a")
	for _, obj := range []runtime.Object{first, (<-two.ResultChan()).Object} {
		shared, ok := obj.(runtime.CacheableObject)
		require.True(t, ok)
		require.Equal(t, want, shared.GetObject())
		require.Empty(t, obj.GetObjectKind().GroupVersionKind())
	}
}
