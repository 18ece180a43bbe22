// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"maps"
	"reflect"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/clock"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	rules "kite.dev/kite/pkg/issue"
)

// strategy holds what clients may write through the main resource: metadata and
// spec.
type strategy struct {
	rest.DeclarativeValidation
	names.NameGenerator
	clock clock.PassiveClock
}

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

func newStrategy(scheme *runtime.Scheme, clock clock.PassiveClock) strategy {
	return strategy{rest.DeclarativeValidation{Scheme: scheme}, names.SimpleNameGenerator, clock}
}

// NamespaceScoped implements rest.RESTCreateStrategy.
func (strategy) NamespaceScoped() bool { return true }

// AllowCreateOnUpdate implements rest.RESTUpdateStrategy.
func (strategy) AllowCreateOnUpdate(context.Context) bool { return false }

// AllowUnconditionalUpdate implements rest.RESTUpdateStrategy.
func (strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// Canonicalize implements rest.RESTCreateStrategy.
func (strategy) Canonicalize(runtime.Object) {}

// WarningsOnCreate implements rest.RESTCreateStrategy.
func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string { return nil }

// WarningsOnUpdate implements rest.RESTUpdateStrategy.
func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// PrepareForCreate makes a new issue Active, whatever its status says.
func (s strategy) PrepareForCreate(ctx context.Context, obj runtime.Object) {
	rules.PrepareCreate(asIssue(obj), userName(ctx), s.clock.Now())
}

// PrepareForUpdate keeps the status.
func (s strategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	rules.PrepareUpdate(asIssue(obj), asIssue(old), userName(ctx), s.clock.Now())
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateIssue(asIssue(obj))
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateIssueUpdate(asIssue(obj), asIssue(old))
}

// GetResetFields names what belongs to no field manager: the status, and the
// labels that the server keeps.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(fieldpath.MakePathOrDie("status"))
}

// statusStrategy holds what controllers may write through the status subresource:
// conditions, affected and remediation.
type statusStrategy struct{ strategy }

var _ rest.ResetFieldsStrategy = statusStrategy{}

const restoredWarning = "only status.conditions (but not Resolved and Overdue), status.affected and " +
	"status.remediation can be changed here; the server kept everything else"

// PrepareForUpdate restores what is not the client's, and tells it so.
func (s statusStrategy) PrepareForUpdate(ctx context.Context, obj, old runtime.Object) {
	next, current := asIssue(obj), asIssue(old)
	specKept := apiequality.Semantic.DeepEqual(next.Spec, current.Spec)
	metaRestored := restoreMeta(next, current)
	if rules.PrepareStatusUpdate(next, current, s.clock.Now()) || metaRestored || !specKept {
		warning.AddWarning(ctx, "", restoredWarning)
	}
}

// restoreMeta returns true when metadata was not the stored one's.
func restoreMeta(next, current *issues.Issue) bool {
	given := next.ObjectMeta
	metav1.ResetObjectMetaForStatus(next, current)
	next.Labels = maps.Clone(current.Labels)
	return !apiequality.Semantic.DeepEqual(given.Labels, next.Labels) ||
		!apiequality.Semantic.DeepEqual(given.Annotations, next.Annotations) ||
		!apiequality.Semantic.DeepEqual(given.Finalizers, next.Finalizers) ||
		!apiequality.Semantic.DeepEqual(given.OwnerReferences, next.OwnerReferences)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (statusStrategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateIssueStatusUpdate(asIssue(obj), asIssue(old))
}

// GetResetFields names what a controller cannot own: all but its part of status.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	paths := []fieldpath.Path{
		fieldpath.MakePathOrDie("spec"),
		fieldpath.MakePathOrDie("metadata", "labels"),
		fieldpath.MakePathOrDie("metadata", "annotations"),
		fieldpath.MakePathOrDie("metadata", "finalizers"),
		fieldpath.MakePathOrDie("metadata", "ownerReferences"),
	}
	status := reflect.TypeFor[v1alpha1.IssueStatus]()
	for member := range status.Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		if name != "conditions" && name != "affected" && name != "remediation" {
			paths = append(paths, fieldpath.MakePathOrDie("status", name))
		}
	}
	return resetFields(paths...)
}

// decidedStrategy writes issues that the rules in pkg/issue have decided already:
// reports and the verbs for people. It validates like the others.
type decidedStrategy struct{ strategy }

// PrepareForCreate brings a new issue to which several reports were applied back
// to its first generation.
func (s decidedStrategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	next := asIssue(obj)
	next.Generation = 1
	rules.Sync(next, nil, s.clock.Now())
}

// PrepareForUpdate counts the change of the spec once, however many reports made
// it.
func (s decidedStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	next, current := asIssue(obj), asIssue(old)
	rules.BumpGeneration(next, current)
	rules.Sync(next, current, s.clock.Now())
}

func resetFields(paths ...fieldpath.Path) map[fieldpath.APIVersion]*fieldpath.Set {
	for _, kept := range rules.Fields() {
		if kept.Label != "" {
			paths = append(paths, fieldpath.MakePathOrDie("metadata", "labels", kept.Label))
		}
	}
	version := fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())
	return map[fieldpath.APIVersion]*fieldpath.Set{version: fieldpath.NewSet(paths...)}
}

// asIssue holds what the generic registry promises a strategy.
func asIssue(obj runtime.Object) *issues.Issue {
	return obj.(*issues.Issue) //nolint:forcetypeassert // the only kind of this registry
}

func userName(ctx context.Context) string {
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		return user.GetName()
	}
	return ""
}
