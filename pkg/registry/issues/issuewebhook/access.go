// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"context"
	"errors"
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// access asks whether the author of a webhook may report in its namespace. The gateway
// reports there for senders without a name, and must lend its right to nobody.
type access struct {
	authorizer authorizer.UnconditionalAuthorizer
}

func (a access) check(ctx context.Context, webhook *issues.IssueWebhook) error {
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(errors.New("the request has no user"))
	}
	decision, _, err := a.authorizer.Authorize(ctx, authorizer.AttributesRecord{
		User:            user,
		Verb:            "create",
		Namespace:       webhook.Namespace,
		APIGroup:        issues.GroupName,
		APIVersion:      v1alpha1.SchemeGroupVersion.Version,
		Resource:        "issuereports",
		ResourceRequest: true,
	})
	switch {
	case decision == authorizer.DecisionAllow:
		return nil
	case err != nil:
		return apierrors.NewInternalError(fmt.Errorf("ask whether the author may create issuereports: %w", err))
	default:
		return apierrors.NewForbidden(issues.Resource("issuewebhooks"), webhook.Name,
			fmt.Errorf("user %q needs the right to create issuereports.%s in namespace %q, which the webhook does",
				user.GetName(), issues.GroupName, webhook.Namespace))
	}
}

func (a access) onCreate(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if err := a.check(ctx, webhookOf(obj)); err != nil || next == nil {
			return err
		}
		return next(ctx, obj)
	}
}

// onUpdate asks whoever changes any of the spec. Labels and finalizers are for everybody who
// may update.
func (a access) onUpdate(next rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		webhook := webhookOf(obj)
		if !apiequality.Semantic.DeepEqual(webhook.Spec, webhookOf(old).Spec) {
			if err := a.check(ctx, webhook); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(ctx, obj, old)
	}
}
