// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// schemaIdentity are the members of a schema that never change: what a value is, and how
// server-side apply and strategic merge patches treat it.
var schemaIdentity = []string{
	"type", "format", "$ref", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
	"x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key",
}

// incompatible lists what a client that was made for the OpenAPI document before, of
// version 2 or 3, cannot rely on with the one after.
func incompatible(before, after map[string]any) (found []string) {
	for path, operations := range members(before, "paths") {
		for operation := range members(operations) {
			if members(after, "paths", path)[operation] == nil {
				found = append(found, fmt.Sprintf("%s %s: removed", path, operation))
			}
		}
	}
	now := schemas(after)
	for name, schema := range schemas(before) {
		found = append(found, incompatibleSchema(name, members(schema), now[name])...)
	}
	slices.Sort(found)
	return found
}

func incompatibleSchema(path string, before map[string]any, now any) (found []string) {
	after := members(now)
	if after == nil {
		return []string{path + ": removed"}
	}
	for _, name := range schemaIdentity {
		if !reflect.DeepEqual(before[name], after[name]) {
			found = append(found, fmt.Sprintf("%s: %s was %v and is %v", path, name, before[name], after[name]))
		}
	}
	for _, value := range without(after["required"], before["required"]) {
		found = append(found, fmt.Sprintf("%s: %v is newly required", path, value))
	}
	for _, kind := range without(before["x-kubernetes-group-version-kind"], after["x-kubernetes-group-version-kind"]) {
		found = append(found, fmt.Sprintf("%s: is no longer %v", path, kind))
	}
	for _, value := range without(before["enum"], after["enum"]) {
		if after["enum"] != nil {
			found = append(found, fmt.Sprintf("%s: the value %v is removed", path, value))
		}
	}
	if before["enum"] == nil && after["enum"] != nil {
		found = append(found, path+": not every value is allowed any more")
	}
	for name, part := range parts(before) {
		found = append(found, incompatibleSchema(path+name, members(part), parts(after)[name])...)
	}
	return found
}

// parts are the schemas inside a schema, by what follows its path.
func parts(schema map[string]any) map[string]any {
	out := map[string]any{}
	for name, property := range members(schema, "properties") {
		out["."+name] = property
	}
	for path, name := range map[string]string{"[]": "items", "{}": "additionalProperties"} {
		if part := members(schema, name); part != nil {
			out[path] = part
		}
	}
	all, _ := schema["allOf"].([]any)
	for i, part := range all {
		out[fmt.Sprintf("(%d)", i)] = part
	}
	return out
}

func schemas(document map[string]any) map[string]any {
	if v3 := members(document, "components", "schemas"); v3 != nil {
		return v3
	}
	return members(document, "definitions")
}

// members follows names into objects; nil when there is no object at their end.
func members(value any, names ...string) map[string]any {
	object, _ := value.(map[string]any)
	for _, name := range names {
		object, _ = object[name].(map[string]any)
	}
	return object
}

// without are the elements of one list that another one lacks.
func without(list, other any) []any {
	elements, _ := list.([]any)
	others, _ := other.([]any)
	return slices.DeleteFunc(slices.Clone(elements), func(e any) bool {
		return slices.ContainsFunc(others, func(o any) bool { return reflect.DeepEqual(e, o) })
	})
}

func TestIncompatible(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","required":["a"],"x-kubernetes-group-version-kind":[{"kind":"T"}],"properties":{
		"a":{"type":"string","enum":["x","y"]},
		"b":{"type":"array","items":{"type":"integer","format":"int32"},"x-kubernetes-list-type":"atomic"},
		"c":{"allOf":[{"$ref":"#/T"}]},
		"d":{"type":"object","additionalProperties":{"type":"string"}}}}`
	for name, tc := range map[string]struct {
		reason string
		change func(schema map[string]any)
		want   []string
	}{
		"Same":        {"nothing changed", func(map[string]any) {}, nil},
		"Description": {"text is for people", func(s map[string]any) { s["description"] = "new" }, nil},
		"Property":    {"a new optional field", func(s map[string]any) { members(s, "properties")["e"] = map[string]any{"type": "string"} }, nil},
		"Value":       {"clients have to expect new values", func(s map[string]any) { members(s, "properties", "a")["enum"] = []any{"x", "y", "z"} }, nil},
		"Optional":    {"a field that may be left out now", func(s map[string]any) { delete(s, "required") }, nil},
		"AnyValue":    {"every value is allowed now", func(s map[string]any) { delete(members(s, "properties", "a"), "enum") }, nil},
		"KindAdded": {
			"a kind that groups share", func(s map[string]any) {
				s["x-kubernetes-group-version-kind"] = []any{map[string]any{"kind": "U"}, map[string]any{"kind": "T"}}
			}, nil,
		},

		"KindRemoved": {
			"clients that look it up by kind miss it", func(s map[string]any) { delete(s, "x-kubernetes-group-version-kind") },
			[]string{"T: is no longer map[kind:T]"},
		},
		"PropertyRemoved": {"readers miss it", func(s map[string]any) { delete(members(s, "properties"), "b") }, []string{"T.b: removed"}},
		"TypeChanged": {
			"clients cannot decode it", func(s map[string]any) { members(s, "properties", "a")["type"] = "integer" },
			[]string{"T.a: type was string and is integer"},
		},
		"FormatChanged": {
			"clients decode too few bits", func(s map[string]any) { members(s, "properties", "b", "items")["format"] = "int64" },
			[]string{"T.b[]: format was int32 and is int64"},
		},
		"ReferenceChanged": {
			"another kind of object", func(s map[string]any) {
				members(s, "properties", "c")["allOf"] = []any{map[string]any{"$ref": "#/U"}}
			},
			[]string{"T.c(0): $ref was #/T and is #/U"},
		},
		"ValuesChanged": {
			"values of a map", func(s map[string]any) { members(s, "properties", "d", "additionalProperties")["type"] = "boolean" },
			[]string{"T.d{}: type was string and is boolean"},
		},
		"ValueRemoved": {
			"a write is refused", func(s map[string]any) { members(s, "properties", "a")["enum"] = []any{"y"} },
			[]string{"T.a: the value x is removed"},
		},
		"ValuesBounded": {
			"a write is refused", func(s map[string]any) { members(s, "properties", "b", "items")["enum"] = []any{1.0} },
			[]string{"T.b[]: not every value is allowed any more"},
		},
		"Required": {
			"a write is refused", func(s map[string]any) { s["required"] = []any{"a", "b"} },
			[]string{"T: b is newly required"},
		},
		"ListType": {
			"apply merges it differently", func(s map[string]any) { members(s, "properties", "b")["x-kubernetes-list-type"] = "set" },
			[]string{"T.b: x-kubernetes-list-type was atomic and is set"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := decodeObject(t, []byte(schema)), decodeObject(t, []byte(schema))
			tc.change(after)
			v2 := func(s any) map[string]any { return map[string]any{"definitions": map[string]any{"T": s}} }
			require.Equal(t, tc.want, incompatible(v2(before), v2(after)), tc.reason)
			v3 := func(s any) map[string]any {
				return map[string]any{"components": map[string]any{"schemas": map[string]any{"T": s}}}
			}
			require.Equal(t, tc.want, incompatible(v3(before), v3(after)), tc.reason)
		})
	}
}

func TestIncompatiblePaths(t *testing.T) {
	t.Parallel()
	const document = `{"paths":{"/a":{"get":{},"put":{}},"/b":{"post":{}}},"definitions":{"T":{}}}`
	before, after := decodeObject(t, []byte(document)), decodeObject(t, []byte(document))
	require.Empty(t, incompatible(before, after))
	maps.DeleteFunc(members(after, "paths"), func(path string, _ any) bool { return path == "/b" })
	delete(members(after, "paths", "/a"), "put")
	delete(members(after, "definitions"), "T")
	require.Equal(t, []string{"/a put: removed", "/b post: removed", "T: removed"}, incompatible(before, after))
}
