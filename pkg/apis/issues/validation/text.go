// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"cmp"
	"fmt"
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
	return walkText(reflect.ValueOf(obj))
}

// walkText names fields from v on: the whole path is made of them only when there is an
// error.
func walkText(v reflect.Value) field.ErrorList {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return walkText(v.Elem())
	case reflect.String:
		return checkText(v.String())
	case reflect.Struct:
		return walkStruct(v)
	case reflect.Slice, reflect.Array:
		return walkList(v)
	case reflect.Map:
		return walkMap(v)
	default:
		return nil
	}
}

func walkStruct(v reflect.Value) field.ErrorList {
	if at, ok := reflect.TypeAssert[time.Time](v); ok {
		return checkTime(at)
	}
	var errs field.ErrorList
	for i := range v.NumField() {
		member := v.Field(i)
		if !member.CanInterface() {
			continue
		}
		if found := walkText(member); len(found) > 0 {
			errs = append(errs, within(memberName(v.Type().Field(i)), found)...)
		}
	}
	return errs
}

func walkList(v reflect.Value) field.ErrorList {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	var errs field.ErrorList
	for i := range v.Len() {
		if found := walkText(v.Index(i)); len(found) > 0 {
			errs = append(errs, within(fmt.Sprintf("[%d]", i), found)...)
		}
	}
	return errs
}

func walkMap(v reflect.Value) field.ErrorList {
	var errs field.ErrorList
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		found := slices.Concat(walkText(key), walkText(v.MapIndex(key)))
		errs = append(errs, within("["+key.String()+"]", found)...)
	}
	return errs
}

// within puts the name of a member, or the place in a list or map, before the fields of
// the errors in it.
func within(name string, errs field.ErrorList) field.ErrorList {
	for _, err := range errs {
		if name != "" && err.Field != "" && !strings.HasPrefix(err.Field, "[") {
			err.Field = "." + err.Field
		}
		err.Field = name + err.Field
	}
	return errs
}

// checkTime looks at the time in UTC, as it is written: an offset can move it over the
// end of the years that can be parsed.
func checkTime(at time.Time) field.ErrorList {
	if year := at.UTC().Year(); !at.IsZero() && (year < 1 || year > 9999) {
		return invalid(at.String(), "must be in the years 1 to 9999 UTC")
	}
	return nil
}

func checkText(text string) field.ErrorList {
	if !utf8.ValidString(text) {
		return invalid(strings.ToValidUTF8(text, "\uFFFD"), "must be valid UTF-8")
	}
	if strings.ContainsRune(text, 0) {
		return invalid(text, "must not contain U+0000")
	}
	return nil
}

// invalid is the error of a value whose field is not known yet.
func invalid(value, detail string) field.ErrorList {
	return field.ErrorList{{Type: field.ErrorTypeInvalid, BadValue: value, Detail: detail}}
}

// memberName is the name of a struct's member as clients write it, and empty where they
// write its members in its place. Internal types have no JSON names; they follow from the
// Go names, as in APIGroup and apiGroup.
func memberName(member reflect.StructField) string {
	switch member.Name {
	case "TypeMeta", "Time": // and the time in metav1.Time and MicroTime
		if member.Anonymous {
			return ""
		}
	case "ObjectMeta":
		return "metadata"
	}
	name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
	return cmp.Or(name, lowerFirstWord(member.Name))
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
