// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"maps"
	"slices"
	"strings"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// ValidateIssue checks a new issue after issue.PrepareCreate or issue.Apply.
func ValidateIssue(obj *issues.Issue) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true,
		apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(errs, validateContent(obj)...)
}

// ValidateIssueUpdate checks an issue after issue.PrepareUpdate, issue.Apply or
// one of the verbs. That the identity stays is checked by markers.
func ValidateIssueUpdate(obj, old *issues.Issue) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	return append(errs, validateContent(obj)...)
}

// ValidateIssueStatusUpdate checks an issue after issue.PrepareStatusUpdate.
func ValidateIssueStatusUpdate(obj, old *issues.Issue) field.ErrorList {
	errs := ValidateIssueUpdate(obj, old)
	path := field.NewPath("status")
	errs = append(errs, metavalidation.ValidateConditions(obj.Status.Conditions, path.Child("conditions"))...)
	return append(errs, validateAffected(obj.Status.Affected, path.Child("affected"))...)
}

func validateContent(obj *issues.Issue) field.ErrorList {
	errs := validateText(obj)
	errs = append(errs, validateSpec(&obj.Spec, field.NewPath("spec"))...)
	errs = append(errs, validateRelated(obj.Spec.RelatedIssues, obj.Namespace, obj.Name, field.NewPath("spec", "relatedIssues"))...)
	return append(errs, validateLabels(obj)...)
}

// validateLabels refuses labels with the server's prefix that the server did not
// set.
func validateLabels(obj *issues.Issue) field.ErrorList {
	var errs field.ErrorList
	want := issue.Labels(obj)
	for _, key := range slices.Sorted(maps.Keys(obj.Labels)) {
		value := obj.Labels[key]
		if !strings.HasPrefix(key, issue.LabelPrefix) || value == want[key] && value != "" {
			continue
		}
		message := "is kept by the server; leave it out"
		if want[key] != "" {
			message = "is kept by the server as " + want[key] + "; leave it out"
		}
		errs = append(errs, field.Invalid(field.NewPath("metadata", "labels").Key(key), value, message))
	}
	return errs
}
