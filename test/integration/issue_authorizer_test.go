// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"

	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// producers allows everybody to report, and only the server's own client and the
// user controller everything else.
var producers = authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	trusted := a.GetUser().GetName() == "controller" || a.GetUser().GetName() == "system:apiserver"
	if trusted || a.GetResource() == "issuereports" {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
})
