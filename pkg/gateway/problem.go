// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// contentTypeProblem is that of RFC 7807.
	contentTypeProblem = "application/problem+json"
	// maxErrors is how many invalid fields an answer names.
	maxErrors = 100
)

// Problem is a refusal.
type Problem struct { //nolint:errname // RFC 7807 calls it a problem
	// Status is the code of the answer.
	Status int
	// Summary is a few words that are the same for all refusals of its kind. Defaults to
	// the text of the status.
	Summary string
	// Detail says what is wrong with this request.
	Detail string
	// Errors name every invalid field. An answer has the first 100.
	Errors []FieldError
	// RetryAfter asks the sender to wait, where it is not zero.
	RetryAfter time.Duration
	// Signed says of a 401 that the sender has to sign, so that no token would help.
	Signed bool
	// Cause is for the log, never for the sender.
	Cause error
}

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Cause != nil {
		return p.Cause.Error()
	}
	if p.Detail != "" {
		return p.Detail
	}
	return p.summary()
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

func (p *Problem) summary() string {
	if p.Summary != "" {
		return p.Summary
	}
	return http.StatusText(p.Status)
}

// MarshalJSON writes members of RFC 7807, and "error" and "details", which clients of KITE
// read.
func (p *Problem) MarshalJSON() ([]byte, error) {
	named := p.Errors
	if more := len(named) - maxErrors; more > 0 {
		named = append(slices.Clone(named[:maxErrors]), FieldError{Detail: fmt.Sprintf("%d more", more)})
	}
	return json.Marshal(struct {
		Type    string       `json:"type"`
		Title   string       `json:"title"`
		Status  int          `json:"status"`
		Detail  string       `json:"detail,omitempty"`
		Errors  []FieldError `json:"errors,omitempty"`
		Error   string       `json:"error"`
		Details string       `json:"details,omitempty"`
	}{"about:blank", http.StatusText(p.Status), p.Status, p.Detail, named, p.summary(), p.Detail})
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", contentTypeProblem)
	header.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		seconds := (p.RetryAfter + time.Second - 1) / time.Second
		header.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if p.Status == http.StatusUnauthorized && !p.Signed {
		header.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_, err = w.Write(append(body, '\n'))
	return err
}
