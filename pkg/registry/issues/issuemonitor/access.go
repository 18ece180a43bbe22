// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// verbs are what kite-controllers do for a monitor.
var verbs = []string{"get", "list", "watch"}

// access asks whether the author of a monitor may read what it watches. The monitor shows
// objects with the rights of kite-controllers, which must lend them to nobody.
type access struct {
	authorizer authorizer.UnconditionalAuthorizer
}

// check asks for the namespace, or for all of them where it is empty.
func (a access) check(ctx context.Context, namespace string, resource *issues.MonitoredResource) error {
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return apierrors.NewInternalError(errors.New("the request has no user"))
	}
	var missing []string
	for _, verb := range verbs {
		decision, _, err := a.authorizer.Authorize(ctx, authorizer.AttributesRecord{
			User:            user,
			Verb:            verb,
			Namespace:       namespace,
			APIGroup:        resource.Group,
			APIVersion:      resource.Version,
			Resource:        resource.Resource,
			ResourceRequest: true,
		})
		switch {
		case decision == authorizer.DecisionAllow:
		case err != nil:
			return apierrors.NewInternalError(fmt.Errorf("ask whether the author may %s what is monitored: %w", verb, err))
		default:
			missing = append(missing, verb)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	where := "in all namespaces"
	if namespace != "" {
		where = fmt.Sprintf("in namespace %q", namespace)
	}
	watched := schema.GroupResource{Group: resource.Group, Resource: resource.Resource}
	hint := ""
	if resource.Resource == v1alpha1.GuessResource(resource.Kind) {
		hint = fmt.Sprintf(" (%s is the plural of %s; spec.resource.resource can name another)", resource.Resource, resource.Kind)
	}
	return apierrors.NewForbidden(watched, "", fmt.Errorf("%s: user %q needs the right to %s them %s, to monitor them%s",
		field.NewPath("spec", "resource"), user.GetName(), strings.Join(missing, ", "), where, hint))
}

func (a access) onCreate(next rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		monitor := partsOf(obj)
		if err := a.check(ctx, monitor.meta.Namespace, &monitor.spec.Resource); err != nil || next == nil {
			return err
		}
		return next(ctx, obj)
	}
}

// onUpdate asks whoever changes any of the spec: the expressions decide what of the
// objects is shown. Labels and finalizers are for everybody who may update.
func (a access) onUpdate(next rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		monitor := partsOf(obj)
		if !apiequality.Semantic.DeepEqual(monitor.spec, partsOf(old).spec) {
			if err := a.check(ctx, monitor.meta.Namespace, &monitor.spec.Resource); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(ctx, obj, old)
	}
}
