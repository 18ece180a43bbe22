// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

import (
	"context"
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
)

// webhookOf holds what the generic registry promises a strategy.
func webhookOf(obj runtime.Object) *issues.IssueWebhook {
	webhook, ok := obj.(*issues.IssueWebhook)
	if !ok {
		panic(fmt.Sprintf("want a webhook, got %T", obj))
	}
	return webhook
}

// strategy holds what clients may write through the main resource: metadata and spec.
type strategy struct {
	rest.DeclarativeValidation
	names.NameGenerator
}

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

func newStrategy(scheme *runtime.Scheme) strategy {
	return strategy{rest.DeclarativeValidation{Scheme: scheme}, names.SimpleNameGenerator}
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

// PrepareForCreate starts without a status.
func (strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	webhook := webhookOf(obj)
	webhook.Status = issues.IssueWebhookStatus{}
	webhook.Generation = 1
}

// PrepareForUpdate keeps the status, and counts changes of the spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	next, current := webhookOf(obj), webhookOf(old)
	next.Status = current.Status
	if !apiequality.Semantic.DeepEqual(next.Spec, current.Spec) {
		next.Generation = current.Generation + 1
	}
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateIssueWebhook(webhookOf(obj))
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateIssueWebhookUpdate(webhookOf(obj), webhookOf(old))
}

// GetResetFields names what belongs to no field manager.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(fieldpath.MakePathOrDie("status"))
}

// statusStrategy holds what the gateway may write through the status subresource.
type statusStrategy struct{ strategy }

var _ rest.ResetFieldsStrategy = statusStrategy{}

// PrepareForUpdate keeps everything but the status.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	next, current := webhookOf(obj), webhookOf(old)
	next.Spec = current.Spec
	metav1.ResetObjectMetaForStatus(&next.ObjectMeta, &current.ObjectMeta)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (s statusStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	errs := s.strategy.ValidateUpdate(ctx, obj, old)
	return append(errs, validation.ValidateWebhookStatus(&webhookOf(obj).Status, field.NewPath("status"))...)
}

// GetResetFields names what a controller cannot own.
func (statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(
		fieldpath.MakePathOrDie("spec"),
		fieldpath.MakePathOrDie("metadata", "labels"),
		fieldpath.MakePathOrDie("metadata", "annotations"),
		fieldpath.MakePathOrDie("metadata", "finalizers"),
		fieldpath.MakePathOrDie("metadata", "ownerReferences"),
	)
}

func resetFields(paths ...fieldpath.Path) map[fieldpath.APIVersion]*fieldpath.Set {
	version := fieldpath.APIVersion(v1alpha1.SchemeGroupVersion.String())
	return map[fieldpath.APIVersion]*fieldpath.Set{version: fieldpath.NewSet(paths...)}
}
