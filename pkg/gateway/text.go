// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// Title makes one line of a text, as long as a title may be.
func Title(text string) string {
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

// Description is as much of a text as an issue holds.
func Description(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= maxDescription {
		return text
	}
	const more = "\n…"
	return strings.ToValidUTF8(text[:maxDescription-len(more)], "") + more
}

// Segment is a name as the API allows it in a scope, and says whether it is the name
// itself.
func Segment(name string) (string, bool) {
	safe := strings.NewReplacer("/", "-", "%", "-").Replace(name)
	if safe == "." || safe == ".." {
		safe = "-"
	}
	return safe, safe == name
}

// IsWebAddress says whether a browser can follow an address.
func IsWebAddress(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && parsed.Hostname() != "" &&
		(parsed.Scheme == "http" || parsed.Scheme == "https") && !strings.ContainsRune(address, 0)
}

// Digest stands for parts that are too long for an identity, or not fit to be one.
func Digest(parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(part), part) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))
}
