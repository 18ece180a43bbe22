// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package authorization asks the host cluster what a user may do.
package authorization

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// unboundedFields are the field selectors whose values differ from request to request.
var unboundedFields = []string{v1alpha1.FieldSearch, v1alpha1.FieldRunName, v1alpha1.FieldRunUID}

// WithoutUnboundedSelectors asks next without the field selector when it names search
// text or a run. A selector only ever narrows what is asked for, so to leave it out
// grants nothing; but each value would miss the cache of decisions and cost a request
// to the host cluster.
func WithoutUnboundedSelectors(next authorizer.Authorizer) authorizer.Authorizer {
	return stripping{next}
}

type stripping struct {
	authorizer.Authorizer
}

// Authorize implements authorizer.Authorizer.
func (s stripping) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	return s.Authorizer.Authorize(ctx, strip(a))
}

// ConditionsAwareAuthorize implements authorizer.Authorizer.
func (s stripping) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return s.Authorizer.ConditionsAwareAuthorize(ctx, strip(a))
}

func strip(a authorizer.Attributes) authorizer.Attributes {
	// What could be read of a selector is used even where the rest could not, as upstream does.
	requirements, _ := a.GetFieldSelector()
	if !slices.ContainsFunc(requirements, isUnbounded) {
		return a
	}
	return withoutFieldSelector{a}
}

func isUnbounded(r fields.Requirement) bool { return slices.Contains(unboundedFields, r.Field) }

type withoutFieldSelector struct {
	authorizer.Attributes
}

// GetFieldSelector implements authorizer.Attributes.
func (withoutFieldSelector) GetFieldSelector() (fields.Requirements, error) { return nil, nil }
