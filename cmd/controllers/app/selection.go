// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// selects says whether a configuration asks for a controller: "name" and "-name"
// speak of one, "*" of all others that need not be named.
func selects(selectors []string, c controller) bool {
	if slices.Contains(selectors, c.name) {
		return true
	}
	if c.byName || slices.Contains(selectors, "-"+c.name) {
		return false
	}
	return slices.Contains(selectors, "*")
}

func validateSelectors(at *field.Path, selectors, known []string) field.ErrorList {
	var errs field.ErrorList
	for i, selector := range selectors {
		if name := strings.TrimPrefix(selector, "-"); selector != "*" && !slices.Contains(known, name) {
			errs = append(errs, field.NotSupported(at.Index(i), name, known))
		}
	}
	return errs
}
