// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apiserver/pkg/storage"
)

// storable is what every text must be that reaches a statement.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// FuzzContinue: whatever a client sends as a token, the list stays in its range.
func FuzzContinue(f *testing.F) {
	for _, start := range []string{"1\x00", "../a/1", "../../b/ns/1", "//1", ".", "1\x00\x00", "\x00", "\xff", "a/./b", "0"} {
		quoted, err := json.Marshal(start)
		require.NoError(f, err)
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"v":"meta.k8s.io/v1","rv":7,"start":`+string(quoted)+`}`)), start)
	}
	f.Add("%", "")
	f.Fuzz(func(t *testing.T, token, start string) {
		made, err := storage.EncodeContinue("/a/ns/"+start, "/a/ns/", 7)
		require.NoError(t, err)
		for _, token := range []string{token, made} {
			opts := storage.ListOptions{Recursive: true}
			opts.Predicate.Continue = token
			rev, continueKey, err := storage.ValidateListOptions("/a/ns/", storage.APIObjectVersioner{}, opts)
			if err != nil {
				require.True(t, apierrors.IsBadRequest(err), "%v", err)
				continue
			}
			if continueKey == "" {
				continue
			}
			require.GreaterOrEqual(t, rev, int64(0))
			lo, err := startAfter(continueKey)
			if err != nil {
				require.True(t, apierrors.IsBadRequest(err), "%v", err)
				continue
			}
			require.True(t, storable(lo))
			first, _ := keyRange("/a/ns/")
			require.GreaterOrEqual(t, lo, first, "a list starts before its range")
			require.True(t, lo > strings.TrimSuffix(continueKey, "\x00") || lo == continueKey)
		}
	})
}

// FuzzKeyRange: the range in SQL and the topic in memory hold the same keys.
func FuzzKeyRange(f *testing.F) {
	for _, seed := range [][2]string{
		{"/a/", "/a/b"}, {"/a/", "/a0"}, {"/a/", "/ab"}, {"/a", "/a"}, {"/a", "/a\x01"}, {"/a", "/a/b"}, {"/", "/"}, {"/é/", "/é/\U0010ffff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, topic, key string) {
		if topic == "" || !storable(topic) || !storable(key) {
			t.Skip()
		}
		lo, hi := keyRange(topic)
		require.True(t, storable(lo) && storable(hi))
		require.Equal(t, inTopic(topic, key), lo <= key && key < hi)
		require.NotEqual(t, topic, topicOf("/"+topic+"/", false), "a prefix alone is no topic of its own objects")
	})
}

// FuzzProjected: a projected text can be stored, fits its column, and is the beginning
// of what can be stored of the field.
func FuzzProjected(f *testing.F) {
	for _, seed := range []string{"plain", "a\x00b", "a\xed\xa0\x80b", "é\xe2\x82", strings.Repeat("é", 100), "\xff\xfe", "\uFFFD"} {
		f.Add(seed, uint16(3))
	}
	f.Fuzz(func(t *testing.T, text string, room uint16) {
		got := projected(text, int(room))
		require.True(t, storable(got), "%q", got)
		require.LessOrEqual(t, len(got), int(room))
		whole := projected(text, len(text))
		require.True(t, strings.HasPrefix(whole, got))
		require.Greater(t, len(got)+utf8.UTFMax, min(len(whole), int(room)), "no more is cut than has to be")
		if storable(text) && len(text) <= int(room) {
			require.Equal(t, text, got)
		}
	})
}

// FuzzPrefilter: what a selector matches is never left out by SQL.
func FuzzPrefilter(f *testing.F) {
	for _, seed := range [][2]string{
		{"a", "a"},
		{"", ""},
		{"a\x00b", "ab"},
		{"ab", "a\x00b"},
		{"a\x1fb", "a"},
		{"\xff", "\uFFFD"},
		{"xxxxxxxxxx", "xxxxxxxxx"},
		{"İ", "i̇"},
		{"50% of a_b", "50%"},
		{"a_b", "_"},
		{`c:\d`, `:\`},
		{"50 of", "50%"},
		{"ab", "a_"},
	} {
		f.Add(seed[0], seed[1], "other")
	}
	f.Fuzz(func(t *testing.T, have, want, second string) {
		const room = 64
		for _, match := range []Match{Equals, Contains, HasMember} {
			if match != Equals && len(have)+len(second)+1 > room {
				continue // such a column is as large as its field can be
			}
			value, matches := have, have == want
			switch match {
			case Contains:
				value = strings.ToLower(have)
				matches = strings.Contains(value, strings.ToLower(want))
			case HasMember:
				value, matches = JoinMembers([]string{have, second}), want == have || want == second
			case Equals:
			}
			if len(value) > room && match == Contains {
				continue // lower case can be longer
			}
			p := &Projection{Table: "t", Columns: []Column{{
				Field: "f", Name: "c", Match: match, MaxBytes: room, Value: func(runtime.Object) string { return value },
			}}}
			sql, args := p.conditions(fields.OneTermEqualSelector("f", want), nil)
			if sql == "" || !matches {
				continue
			}
			require.Len(t, args, 1)
			arg, ok := args[0].(string)
			require.True(t, ok)
			require.True(t, storable(arg))
			require.True(t, holds(match, p.Row(nil)[0], arg), "%q is left out by %q %v", value, want, match)
		}
		for _, operator := range []selection.Operator{selection.NotEquals, selection.In, selection.Exists, ""} {
			c := Column{Name: "c", MaxBytes: room}
			sql, _ := c.condition(fields.Requirement{Operator: operator, Value: want}, 1)
			if operator == selection.NotEquals && want == "" {
				require.Equal(t, have == "", projected(have, room) == "", "rows that are not empty are found by that")
				continue
			}
			require.Empty(t, sql, "only equality is prefiltered, and that there is a value")
		}
	})
}

// literal is the text that a pattern of LIKE looks for anywhere; not ok, if the pattern asks
// for something else.
func literal(pattern string) (text string, ok bool) {
	inner, begins := strings.CutPrefix(pattern, "%")
	inner, ends := strings.CutSuffix(inner, "%")
	escaped := false
	for _, b := range []byte(inner) {
		switch {
		case escaped:
			escaped = false
		case b == '\\':
			escaped = true
			continue
		case b == '%' || b == '_':
			return "", false
		}
		text += string([]byte{b})
	}
	return text, begins && ends && !escaped
}

// holds is what PostgreSQL makes of a condition.
func holds(match Match, column, arg string) bool {
	switch match {
	case Contains:
		text, ok := literal(arg)
		return ok && strings.Contains(column, text)
	case HasMember:
		return slices.Contains(strings.Split(column, memberSeparator), arg)
	default:
		return column == arg
	}
}

// FuzzDSN: no error repeats a connection string.
func FuzzDSN(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:hunter2@h:5432/d", "postgres://u:hunter2@h:x/d", "host=h password=hunter2 port=x", "hunter2", "://hunter2@",
		"postgres://u:hunter2@h/d?sslmode=hunter2", "password='hunter2", "postgres://u:hun%ter2@h", "host=h statement_cache_capacity=hunter2",
		"host=h pool_max_conns=hunter2", "host=h pool_max_conn_lifetime=hunter2", "host=h connect_timeout=hunter2", "host=h sslrootcert=/hunter2 sslmode=verify-full",
		"host=h default_query_exec_mode=hunter2", "host=h target_session_attrs=hunter2", "host=h servicefile=/hunter2 service=hunter2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		cfg := Config{DSN: dsn}
		err := cfg.Validate()
		if err == nil {
			_, err = cfg.withDefaults().poolConfig(nil)
		}
		if err == nil {
			return
		}
		const wanted = "want a URL such as postgres://user@host:5432/database?sslmode=verify-full, or key=value pairs"
		texts := []string{"no PostgreSQL DSN is given", "the PostgreSQL DSN cannot be parsed: " + wanted, wanted}
		require.Contains(t, texts, err.Error(), "an error says the same whatever is in the string")
	})
}

// FuzzSchemaName: a name that is accepted needs no quoting and cannot end a statement.
func FuzzSchemaName(f *testing.F) {
	for _, seed := range []string{"kite", "", "Kite", "a-b", `a"; DROP SCHEMA x; --`, strings.Repeat("a", 64), "a\x00", "_", "1a", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := Config{DSN: "host=h", Schema: name}.Validate()
		plain := len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && strings.IndexAny(name, "0123456789") != 0
		require.Equal(t, plain, err == nil, "%q", name)
	})
}

// FuzzKey: a name from a URL leads to a key below its resource, or to an error.
func FuzzKey(f *testing.F) {
	for _, seed := range []string{"/pods/ns/a", "/pods/../x", "/pods/ns/a\x00", "/pods/\xff", "/secrets/a", "", "/", "/pods/..", "/pods/./a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		s := &Store{StoreConfig: StoreConfig{Prefix: "/pods/"}}
		for _, recursive := range []bool{false, true} {
			prepared, err := s.prepareKey(key, recursive)
			if err != nil {
				continue
			}
			require.True(t, storable(prepared))
			require.True(t, strings.HasPrefix(prepared, "/pods/"))
			require.NotContains(t, prepared+"/", "/../")
		}
	})
}

// FuzzRevision: a revision is a number of 64 bits and never taken for another.
func FuzzRevision(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "8", "-1", "18446744073709551615", "18446744073709551616", "x", " 7", "7 ", "+7", "0x7", "7e0", "٧"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rv string) {
		err := (&Store{}).checkMinimum(rv, 7)
		digits := strings.TrimLeft(rv, "0")
		isNumber := strings.Trim(rv, "0123456789") == ""
		switch {
		case isNumber && (digits == "" || len(digits) == 1 && digits[0] <= '7'):
			require.NoError(t, err)
		case isNumber && len(digits) < 20:
			require.True(t, storage.IsTooLargeResourceVersion(err), "%v", err)
		case !isNumber:
			require.True(t, apierrors.IsBadRequest(err), "%v", err)
		default:
			require.Error(t, err)
		}
	})
}
