// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/gateway"
)

// maxName is how long the API lets names and keys be, in bytes.
const maxName = 253

// mistakes are everything that is wrong with a request.
type mistakes struct {
	missing bool
	errors  []gateway.FieldError
}

// add says what is wrong with a field that has no mistake yet.
func (m *mistakes) add(field, detail string) {
	if slices.ContainsFunc(m.errors, func(e gateway.FieldError) bool { return e.Field == field }) {
		return
	}
	m.errors = append(m.errors, gateway.FieldError{Field: field, Detail: detail})
}

func (m *mistakes) require(field, value string) {
	if strings.TrimSpace(value) == "" {
		m.missing = true
		m.add(field, "is required")
	}
}

// name is for values that identify a problem.
func (m *mistakes) name(field, value string) {
	m.require(field, value)
	if len(value) > maxName {
		m.add(field, fmt.Sprintf("must be at most %d bytes", maxName))
	}
	if strings.ContainsRune(value, 0) {
		m.add(field, "must not hold U+0000")
	}
}

// namespace is the payload's; the query's, which KITE checks rights for, says the same or
// nothing.
func (m *mistakes) namespace(value, query string) {
	m.require("namespace", value)
	for _, wrong := range validation.IsDNS1123Label(value) {
		m.add("namespace", wrong)
	}
	if query != "" && query != value {
		m.add("namespace", fmt.Sprintf("is not the %q of the query", query))
	}
}

// problem has the words of KITE's refusals.
func (m *mistakes) problem() error {
	if len(m.errors) == 0 {
		return nil
	}
	summary := "Validation failed"
	if m.missing {
		summary = "Missing required fields"
	}
	texts := make([]string, 0, len(m.errors))
	for _, e := range m.errors {
		texts = append(texts, e.Field+": "+e.Detail)
	}
	return &gateway.Problem{
		Status: http.StatusBadRequest, Summary: summary, Detail: strings.Join(texts, "; "), Errors: m.errors,
	}
}
