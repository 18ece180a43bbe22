// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/versioning"
)

// NewCodec returns a codec that stores the kinds of scheme as JSON of one version, and
// reads JSON of every version, as serializer.CodecFactory's LegacyCodec does but for
// the other formats. It is faster, because it knows where the kind stands in what it
// has itself encoded.
func NewCodec(scheme *runtime.Scheme, version schema.GroupVersion) runtime.Codec {
	s := json.NewSerializerWithOptions(leadingKind{}, scheme, scheme, json.SerializerOptions{})
	return versioning.NewDefaultingCodecForScheme(scheme, s, s, version, runtime.InternalGroupVersioner)
}

// leadingKind reads the kind from the beginning of what was encoded from a
// metav1.TypeMeta: {"kind":"Issue","apiVersion":"issues.kite.dev/v1alpha1",…
// upstream's reads the whole document for it, a third of the time to decode one.
type leadingKind struct{}

var _ json.MetaFactory = leadingKind{}

// Interpret implements json.MetaFactory.
func (leadingKind) Interpret(data []byte) (*schema.GroupVersionKind, error) {
	kind, rest, ok := leadingString(data, `{"kind":"`)
	if !ok {
		return json.DefaultMetaFactory.Interpret(data)
	}
	version, _, ok := leadingString(rest, `,"apiVersion":"`)
	if !ok {
		return json.DefaultMetaFactory.Interpret(data)
	}
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return nil, err
	}
	gvk := gv.WithKind(kind)
	return &gvk, nil
}

// leadingString returns the JSON string behind prefix, if it needs no unquoting.
func leadingString(data []byte, prefix string) (text string, rest []byte, ok bool) {
	data, ok = bytes.CutPrefix(data, []byte(prefix))
	if !ok {
		return "", nil, false
	}
	end := bytes.IndexAny(data, `"\`)
	if end < 0 || data[end] != '"' {
		return "", nil, false
	}
	return string(data[:end]), data[end+1:], true
}
