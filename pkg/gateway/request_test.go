// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHasMore(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{
		"[]": false, "[1,2]": false, "[1,2,3]": true, `[[1,2,3,4],"],3,4"]`: false, "[{},{},{}]": true,
		"null": false, "7": false, `{"a":1,"b":2,"c":3}`: false, "": false, "[1,": false, "[1,2,x]": true,
	} {
		require.Equal(t, want, HasMore([]byte(list), 2), "%s", list)
	}
}

// TestSigned: who has to sign is not asked for a token.
func TestSigned(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	require.NoError(t, (&Problem{Status: http.StatusUnauthorized, Signed: true}).write(w))
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Empty(t, w.Header().Values("WWW-Authenticate"))
}

// TestManyErrors: an answer is not many times as large as its request.
func TestManyErrors(t *testing.T) {
	t.Parallel()
	p := &Problem{Status: http.StatusBadRequest}
	for i := range maxErrors + 7 {
		p.Errors = append(p.Errors, FieldError{Field: fmt.Sprint(i), Detail: "is wrong"})
	}
	w := httptest.NewRecorder()
	require.NoError(t, p.write(w))
	named, _ := problem(t, w)["errors"].([]any)
	require.Len(t, named, maxErrors+1)
	require.Equal(t, map[string]any{"field": "", "detail": "7 more"}, named[maxErrors])
	require.Len(t, p.Errors, maxErrors+7, "the log has them all")
}
