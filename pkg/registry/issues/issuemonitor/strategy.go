// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

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

// parts are what a monitor of either kind consists of.
type parts struct {
	meta   *metav1.ObjectMeta
	spec   *issues.IssueMonitorSpec
	status *issues.IssueMonitorStatus
}

// partsOf holds what the generic registry promises a strategy.
func partsOf(obj runtime.Object) parts {
	switch o := obj.(type) {
	case *issues.IssueMonitor:
		return parts{&o.ObjectMeta, &o.Spec, &o.Status}
	case *issues.ClusterIssueMonitor:
		return parts{&o.ObjectMeta, &o.Spec, &o.Status}
	default:
		panic(fmt.Sprintf("want a monitor, got %T", obj))
	}
}

// strategy holds what clients may write through the main resource: metadata and spec.
type strategy struct {
	rest.DeclarativeValidation
	names.NameGenerator
	namespaced bool
}

var (
	_ rest.RESTCreateStrategy  = strategy{}
	_ rest.RESTUpdateStrategy  = strategy{}
	_ rest.RESTDeleteStrategy  = strategy{}
	_ rest.ResetFieldsStrategy = strategy{}
)

func newStrategy(scheme *runtime.Scheme, namespaced bool) strategy {
	return strategy{rest.DeclarativeValidation{Scheme: scheme}, names.SimpleNameGenerator, namespaced}
}

// NamespaceScoped implements rest.RESTCreateStrategy.
func (s strategy) NamespaceScoped() bool { return s.namespaced }

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
	next := partsOf(obj)
	*next.status = issues.IssueMonitorStatus{}
	next.meta.Generation = 1
}

// PrepareForUpdate keeps the status, and counts changes of the spec.
func (strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	next, current := partsOf(obj), partsOf(old)
	*next.status = *current.status
	followKind(&next.spec.Resource, &current.spec.Resource)
	if !apiequality.Semantic.DeepEqual(next.spec, current.spec) {
		next.meta.Generation = current.meta.Generation + 1
	}
}

// followKind gives a changed kind its own plural where the old one was guessed: a client that
// never wrote it cannot take it away.
func followKind(next, current *issues.MonitoredResource) {
	if next.Kind != current.Kind && next.Resource == current.Resource && current.Resource == v1alpha1.GuessResource(current.Kind) {
		next.Resource = v1alpha1.GuessResource(next.Kind)
	}
}

// Validate implements rest.RESTCreateStrategy.
func (strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	if o, ok := obj.(*issues.ClusterIssueMonitor); ok {
		return validation.ValidateClusterIssueMonitor(o)
	}
	return validation.ValidateIssueMonitor(obj.(*issues.IssueMonitor)) //nolint:forcetypeassert // see partsOf
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	if o, ok := obj.(*issues.ClusterIssueMonitor); ok {
		return validation.ValidateClusterIssueMonitorUpdate(o, old.(*issues.ClusterIssueMonitor)) //nolint:forcetypeassert // see partsOf
	}
	return validation.ValidateIssueMonitorUpdate(obj.(*issues.IssueMonitor), old.(*issues.IssueMonitor)) //nolint:forcetypeassert // see partsOf
}

// GetResetFields names what belongs to no field manager.
func (strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(fieldpath.MakePathOrDie("status"))
}

// statusStrategy holds what controllers may write through the status subresource.
type statusStrategy struct{ strategy }

var _ rest.ResetFieldsStrategy = statusStrategy{}

// PrepareForUpdate keeps everything but the status.
func (statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	next, current := partsOf(obj), partsOf(old)
	*next.spec = *current.spec
	metav1.ResetObjectMetaForStatus(next.meta, current.meta)
}

// ValidateUpdate implements rest.RESTUpdateStrategy.
func (s statusStrategy) ValidateUpdate(ctx context.Context, obj, old runtime.Object) field.ErrorList {
	errs := s.strategy.ValidateUpdate(ctx, obj, old)
	return append(errs, validation.ValidateMonitorStatus(partsOf(obj).status, field.NewPath("status"))...)
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
