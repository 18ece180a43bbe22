// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the type of a column in SQL. Values come as text, whatever it is.
type Type string

const (
	// Text is what it says, cut to the column's maximum.
	Text Type = ""
	// Instant is a point in time in RFC 3339; null when it is empty.
	Instant Type = "timestamptz"
	// Int is a decimal number of 32 bits; 0 when it is empty.
	Int Type = "int"
)

// value is how SQL reads the value of a column.
func (t Type) value(column string) string {
	switch t {
	case Instant:
		return fmt.Sprintf("nullif(%s, '')::timestamptz", column)
	case Int:
		return column + "::int"
	case Text:
	}
	return column
}

// projected makes text what the column can hold: one bad value would spoil a batch.
func (t Type) projected(text string, maxBytes int) string {
	switch t {
	case Instant:
		return instant(text)
	case Int:
		return number(text)
	case Text:
	}
	return projected(text, maxBytes)
}

// instant leaves out what PostgreSQL would not read, or not as it is meant.
func instant(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1 {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func number(text string) string {
	n, _ := strconv.ParseInt(text, 10, 32)
	return strconv.FormatInt(n, 10)
}

// projected cuts text to what a column and its index can hold, and drops what
// PostgreSQL cannot store. What is not empty stays so: selectors ask for that.
func projected(text string, maxBytes int) string {
	kept := strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if kept == "" && text != "" {
		return "?"
	}
	if len(kept) <= maxBytes {
		return kept
	}
	for maxBytes > 0 && !utf8.RuneStart(kept[maxBytes]) {
		maxBytes--
	}
	return kept[:maxBytes]
}
