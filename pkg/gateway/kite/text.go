// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the API: characters of a title, bytes of the rest.
const (
	maxTitle       = 256
	maxDescription = 32 << 10
	maxURL         = 2048
)

// title is one line.
func title(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= maxTitle {
		return text
	}
	return string([]rune(text)[:maxTitle-1]) + "…"
}

// description is as much of a text as an issue holds.
func description(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= maxDescription {
		return text
	}
	const more = "\n…"
	return strings.ToValidUTF8(text[:maxDescription-len(more)], "") + more
}

// segment is a name as the API allows it in a scope, and says whether it is the name
// itself.
func segment(name string) (string, bool) {
	safe := strings.NewReplacer("/", "-", "%", "-").Replace(name)
	if safe == "." || safe == ".." {
		safe = "-"
	}
	return safe, safe == name
}

// isWebAddress says whether a browser can follow an address.
func isWebAddress(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && parsed.Hostname() != "" &&
		(parsed.Scheme == "http" || parsed.Scheme == "https") && !strings.ContainsRune(address, 0)
}
