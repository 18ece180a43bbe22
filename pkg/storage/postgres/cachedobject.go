// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"io"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// cachedObject is an object that many watches send: upstream's watch handler encodes it
// once for each media type, event type and transformation. Whoever gets the object
// inside gets a copy, so nobody can change what the others send.
type cachedObject struct {
	object runtime.Object
	// grew is told the size of each new encoding.
	grew func(bytes int)

	mu        sync.Mutex
	encodings map[runtime.Identifier]*encoding

	deriveOnce sync.Once
	derived    *cachedObject
}

var (
	_ runtime.CacheableObject   = (*cachedObject)(nil)
	_ metav1.ObjectMetaAccessor = (*cachedObject)(nil)
)

// encoding is what one encoder made of the object.
type encoding struct {
	once sync.Once
	data []byte
	err  error
}

func newCachedObject(object runtime.Object, grew func(int)) *cachedObject {
	return &cachedObject{object: object, grew: grew, encodings: map[runtime.Identifier]*encoding{}}
}

// CacheEncode implements runtime.CacheableObject.
func (c *cachedObject) CacheEncode(id runtime.Identifier, encode func(runtime.Object, io.Writer) error, w io.Writer) error {
	e := c.encoding(id)
	e.once.Do(func() {
		var buffer bytes.Buffer
		e.err = encode(c.GetObject(), &buffer)
		e.data = bytes.Clone(buffer.Bytes())
		c.grew(len(e.data))
	})
	if e.err != nil {
		return e.err
	}
	if buffer, ok := w.(runtime.Splice); ok {
		buffer.Splice(e.data)
		return nil
	}
	_, err := w.Write(e.data)
	return err
}

func (c *cachedObject) encoding(id runtime.Identifier) *encoding {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.encodings[id]
	if e == nil {
		e = &encoding{}
		c.encodings[id] = e
	}
	return e
}

// Derived returns what derive makes of the object, made once and shared as the object
// is. Every caller's derive must make the same, and change nothing of what it gets.
func (c *cachedObject) Derived(derive func(runtime.Object) runtime.Object) runtime.Object {
	c.deriveOnce.Do(func() { c.derived = newCachedObject(derive(c.object), c.grew) })
	return c.derived
}

// ResourceVersion is the object's, without a copy of the rest.
func (c *cachedObject) ResourceVersion() string {
	accessor, err := meta.Accessor(c.object)
	if err != nil {
		return ""
	}
	return accessor.GetResourceVersion()
}

// GetObject implements runtime.CacheableObject.
func (c *cachedObject) GetObject() runtime.Object { return c.object.DeepCopyObject() }

// DeepCopyObject implements runtime.Object. The copy is the object itself.
func (c *cachedObject) DeepCopyObject() runtime.Object { return c.GetObject() }

// GetObjectKind implements runtime.Object.
func (c *cachedObject) GetObjectKind() schema.ObjectKind {
	kind := &metav1.TypeMeta{}
	kind.SetGroupVersionKind(c.object.GetObjectKind().GroupVersionKind())
	return kind
}

// GetObjectMeta implements metav1.ObjectMetaAccessor, with a copy.
func (c *cachedObject) GetObjectMeta() metav1.Object {
	accessor, err := meta.Accessor(c.GetObject())
	if err != nil {
		return nil
	}
	return accessor
}
