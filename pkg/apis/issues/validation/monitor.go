// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"maps"
	"slices"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuemonitor"
)

const (
	// MaxFor is the longest time that a monitor may wait before it believes what it sees.
	MaxFor = 24 * time.Hour

	// What a row of a monitor's table may hold.
	maxColumns = 16
	maxCell    = 2048

	// maxFieldSelector is the marker's limit.
	maxFieldSelector = 1024
)

// ValidateIssueMonitor checks a new monitor.
func ValidateIssueMonitor(obj *issues.IssueMonitor) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if obj.Namespace == issuemonitor.UnwatchedNamespace {
		errs = append(errs, field.Forbidden(field.NewPath("metadata", "namespace"), "this namespace cannot be watched"))
	}
	errs = append(errs, validateText(obj)...)
	return append(errs, validateNamespacedMonitor(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateIssueMonitorUpdate leaves a spec that does not change alone: one that was valid
// in an older version must not stand in the way of labels and finalizers.
func ValidateIssueMonitorUpdate(obj, old *issues.IssueMonitor) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateText(obj)...)
	if apiequality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		return errs
	}
	return append(errs, validateNamespacedMonitor(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateClusterIssueMonitor checks a new monitor.
func ValidateClusterIssueMonitor(obj *issues.ClusterIssueMonitor) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateText(obj)...)
	return append(errs, validateMonitor(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateClusterIssueMonitorUpdate leaves a spec that does not change alone.
func ValidateClusterIssueMonitorUpdate(obj, old *issues.ClusterIssueMonitor) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateText(obj)...)
	if apiequality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		return errs
	}
	return append(errs, validateMonitor(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateMonitorStatus checks what a controller says about a monitor of either kind.
func ValidateMonitorStatus(status *issues.IssueMonitorStatus, path *field.Path) field.ErrorList {
	errs := metavalidation.ValidateConditions(status.Conditions, path.Child("conditions"))
	return append(errs, within(path.String(), validateText(status))...)
}

func validateNamespacedMonitor(spec *issues.IssueMonitorSpec, path *field.Path) field.ErrorList {
	errs := validateMonitor(spec, path)
	if spec.Resource.NamespaceSelector != nil {
		errs = append(errs, field.Forbidden(path.Child("resource", "namespaceSelector"),
			"an IssueMonitor watches its own namespace; a ClusterIssueMonitor selects namespaces"))
	}
	return errs
}

func validateMonitor(spec *issues.IssueMonitorSpec, path *field.Path) field.ErrorList {
	errs := validateMonitored(&spec.Resource, path.Child("resource"))
	errs = append(errs, validateWait(spec, spec.For, path.Child("for"))...)
	errs = append(errs, validateWait(spec, spec.RecoveredFor, path.Child("recoveredFor"))...)
	if spec.Mode == issues.ModeRun && spec.ObservedAt == "" {
		errs = append(errs, field.Required(path.Child("observedAt"), "runs are ordered by when they ended"))
	}
	errs = append(errs, validateTable(spec.Table, path.Child("table"))...)
	errs = append(errs, validateExpiry(spec, path.Child("issue", "expiresAfter"))...)
	_, faults := issuemonitor.Compile(spec, path)
	return append(errs, faults...)
}

func validateWait(spec *issues.IssueMonitorSpec, wait *metav1.Duration, path *field.Path) field.ErrorList {
	switch {
	case wait == nil:
		return nil
	case spec.Mode == issues.ModeRun:
		return field.ErrorList{field.Forbidden(path, "a run has ended, and stays as it is")}
	case wait.Duration <= 0 || wait.Duration > MaxFor:
		return field.ErrorList{field.Invalid(path, wait.Duration.String(), "must be more than zero and at most 24h")}
	default:
		return nil
	}
}

// validateExpiry leaves the end of a state to the monitor, which tells a failure once.
func validateExpiry(spec *issues.IssueMonitorSpec, path *field.Path) field.ErrorList {
	switch expires := spec.Issue.ExpiresAfter; {
	case expires == nil:
		return nil
	case spec.Mode != issues.ModeRun:
		return field.ErrorList{field.Forbidden(path, "with mode State an issue is there until its objects recover")}
	case expires.Duration <= 0:
		return field.ErrorList{field.Invalid(path, expires.Duration.String(), "must be more than zero")}
	default:
		return nil
	}
}

func validateMonitored(resource *issues.MonitoredResource, path *field.Path) field.ErrorList {
	errs := validateKind(resource.Kind, path.Child("kind"))
	switch {
	case resource.Group == "" && resource.Resource == "secrets":
		errs = append(errs, field.Forbidden(path.Child("resource"), "secrets cannot be watched"))
	case resource.Group == issues.GroupName:
		errs = append(errs, field.Forbidden(path.Child("group"), "what monitors report cannot be watched by monitors"))
	}
	errs = append(errs, validateSelector(resource.LabelSelector, path.Child("labelSelector"))...)
	errs = append(errs, validateSelector(resource.NamespaceSelector, path.Child("namespaceSelector"))...)
	if len(resource.FieldSelector) > maxFieldSelector {
		return errs
	}
	if _, err := fields.ParseSelector(resource.FieldSelector); err != nil {
		errs = append(errs, field.Invalid(path.Child("fieldSelector"), resource.FieldSelector, err.Error()))
	}
	return errs
}

func validateTable(table []issues.MonitorRow, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range table {
		row, at := table[i].Values, path.Index(i).Child("values")
		if len(row) > maxColumns {
			errs = append(errs, field.TooMany(at, len(row), maxColumns))
			continue
		}
		for _, column := range slices.Sorted(maps.Keys(row)) {
			if column == "" || len(column) > validation.DNS1123LabelMaxLength {
				errs = append(errs, field.Invalid(at, column, "a column's name must have 1 to 63 bytes"))
			}
			if len(row[column]) > maxCell {
				errs = append(errs, field.TooLong(at.Key(column), "", maxCell))
			}
		}
	}
	return errs
}

func validateSelector(selector *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metavalidation.ValidateLabelSelector(selector, metavalidation.LabelSelectorValidationOptions{}, path)
}
