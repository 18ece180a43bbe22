// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"slices"
	"strings"
)

// selects says whether --controllers asks for a controller: "name" and "-name"
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

func validateSelectors(selectors, known []string) []error {
	var errs []error
	for _, selector := range selectors {
		name := strings.TrimPrefix(selector, "-")
		if selector != "*" && !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("--controllers: %q is not a controller; there are %s", name, strings.Join(known, ", ")))
		}
	}
	return errs
}
