// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validateText finds every string and every time of an object, in whatever field, map
// or list, that cannot be stored and read again: what PostgreSQL's text type does not
// hold, and years that JSON's four digits do not.
func validateText(obj any) field.ErrorList {
	return walkText(reflect.ValueOf(obj), nil)
}

func walkText(v reflect.Value, path *field.Path) field.ErrorList {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return walkText(v.Elem(), path)
	case reflect.String:
		return checkText(v.String(), path)
	case reflect.Struct:
		return walkStruct(v, path)
	case reflect.Slice, reflect.Array:
		return walkList(v, path)
	case reflect.Map:
		return walkMap(v, path)
	default:
		return nil
	}
}

func walkStruct(v reflect.Value, path *field.Path) field.ErrorList {
	if at, ok := reflect.TypeAssert[time.Time](v); ok {
		return checkTime(at, path)
	}
	var errs field.ErrorList
	for i := range v.NumField() {
		member := v.Type().Field(i)
		if !member.IsExported() {
			continue
		}
		errs = append(errs, walkText(v.Field(i), memberPath(member, path))...)
	}
	return errs
}

func walkList(v reflect.Value, path *field.Path) field.ErrorList {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	var errs field.ErrorList
	for i := range v.Len() {
		errs = append(errs, walkText(v.Index(i), path.Index(i))...)
	}
	return errs
}

func walkMap(v reflect.Value, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		at := path.Key(key.String())
		errs = append(errs, walkText(key, at)...)
		errs = append(errs, walkText(v.MapIndex(key), at)...)
	}
	return errs
}

// checkTime looks at the time in UTC, as it is written: an offset can move it over the
// end of the years that can be parsed.
func checkTime(at time.Time, path *field.Path) field.ErrorList {
	if year := at.UTC().Year(); !at.IsZero() && (year < 1 || year > 9999) {
		return field.ErrorList{field.Invalid(path, at.String(), "must be in the years 1 to 9999 UTC")}
	}
	return nil
}

func checkText(text string, path *field.Path) field.ErrorList {
	if !utf8.ValidString(text) {
		return field.ErrorList{field.Invalid(path, strings.ToValidUTF8(text, "\uFFFD"), "must be valid UTF-8")}
	}
	if strings.ContainsRune(text, 0) {
		return field.ErrorList{field.Invalid(path, text, "must not contain U+0000")}
	}
	return nil
}

// memberPath is the path of a struct's member as clients write it. Internal types
// have no JSON names; they follow from the Go names, as in APIGroup and apiGroup.
func memberPath(member reflect.StructField, path *field.Path) *field.Path {
	switch member.Name {
	case "TypeMeta", "Time": // and the time in metav1.Time and MicroTime
		if member.Anonymous {
			return path
		}
	case "ObjectMeta":
		return child(path, "metadata")
	}
	name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
	if name == "" {
		name = lowerFirstWord(member.Name)
	}
	return child(path, name)
}

func child(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	return path.Child(name)
}

// lowerFirstWord turns Title into title, UID into uid and APIGroup into apiGroup.
func lowerFirstWord(name string) string {
	letters := []rune(name)
	for i := range letters {
		if !unicode.IsUpper(letters[i]) {
			break
		}
		if i > 0 && i+1 < len(letters) && unicode.IsLower(letters[i+1]) {
			break
		}
		letters[i] = unicode.ToLower(letters[i])
	}
	return string(letters)
}
