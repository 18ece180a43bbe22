// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextIsBounded(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b", Title("a\nb"))
	require.Len(t, []rune(Title(strings.Repeat("é", 300))), maxTitle)
	require.Equal(t, "ab", Description("a\x00b"))
	long := Description(strings.Repeat("é", maxDescription))
	require.LessOrEqual(t, len(long), maxDescription)
	require.True(t, strings.HasSuffix(long, "é\n…"))
	for name, want := range map[string]string{"a": "a", "a/b": "a-b", "a%2fb": "a-2fb", ".": "-", "..": "-"} {
		safe, same := Segment(name)
		require.Equal(t, want, safe)
		require.Equal(t, want == name, same)
	}
	for address, want := range map[string]bool{
		"https://a.example/x": true, "http://a": true, "a.example/x": false, "javascript:alert(1)": false, "": false,
		"https://": false, "https://a/" + strings.Repeat("x", maxURL): false, "https://a/\x00": false,
	} {
		require.Equal(t, want, IsWebAddress(address), address)
	}
}
