// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxKey is how long an idempotency key may be.
const maxKey = 100

// ReadBody reads a request, as far as it may be large.
func ReadBody(r *http.Request) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Detail: "compressed requests are not read"}
	}
	body, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err != nil && !tooLarge {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "the request could not be read to its end", Cause: err}
	}
	return body, err
}

// ReadJSON reads a request into out. Fields of other types than they should be are
// returned, and left empty in out.
func ReadJSON(r *http.Request, out any) ([]FieldError, error) {
	body, err := ReadBody(r)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(body, out)
	if refused, ok := errors.AsType[*Problem](err); ok {
		return nil, refused
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return []FieldError{{Field: wrong.Field, Detail: "must be a " + wrong.Type.String() + ", is a " + wrong.Value}}, nil
	}
	if err != nil {
		return nil, &Problem{Status: http.StatusBadRequest, Summary: "Invalid request body", Detail: "the body must be a JSON object: " + err.Error()}
	}
	return nil, nil
}

// HasMore says whether a JSON list has more members than limit. It looks at no more of them
// than that, so that what is too long is refused before anything is made of it.
func HasMore(list []byte, limit int) bool {
	decoder := json.NewDecoder(bytes.NewReader(list))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return false
	}
	for range limit {
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return false
		}
	}
	return decoder.More()
}

// IdempotencyKey is what a sender calls this observation, the same whenever it sends it
// again; or "".
func IdempotencyKey(r *http.Request) (string, error) {
	key := strings.Trim(r.Header.Get("Idempotency-Key"), `"`)
	if len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", &Problem{
			Status: http.StatusBadRequest,
			Errors: []FieldError{{Field: "Idempotency-Key", Detail: "must be at most 100 visible ASCII characters"}},
			Detail: "header Idempotency-Key: must be at most 100 visible ASCII characters",
		}
	}
	return key, nil
}

// WriteJSON answers with an object.
func WriteJSON(w http.ResponseWriter, status int, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(append(data, '\n'))
	return err
}
