// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package reporttest

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// validate refuses what the server would refuse by the API's schema, and for what is missing.
// A report without a time of observation gets one when it is sent. Rules that need the server,
// or its libraries, are not here: what names may look like, and how old a report may be.
func validate(ctx context.Context, namespace string, spec *issuesv1alpha1.IssueReportSpec) error {
	sent := &issuesv1alpha1.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, Spec: *spec}
	if sent.Spec.ObservedAt == nil {
		sent.Spec.ObservedAt = &metav1.MicroTime{}
	}
	errs := issuesv1alpha1.Validate_IssueReport(ctx, operation.Operation{Type: operation.Create}, nil, sent, nil)
	errs = append(errs, missing(spec)...)
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(issuesv1alpha1.SchemeGroupVersion.WithKind("IssueReport").GroupKind(), "", errs)
}

// missing are fields that depend on the outcome.
func missing(spec *issuesv1alpha1.IssueReportSpec) field.ErrorList {
	var errs field.ErrorList
	path, failed := field.NewPath("spec", "issue"), spec.Outcome == issuesv1alpha1.OutcomeFailed
	if spec.Issue.Type == "" && (failed || !spec.AllTypes) {
		errs = append(errs, field.Required(path.Child("type"), ""))
	}
	if failed && spec.Issue.Title == "" {
		errs = append(errs, field.Required(path.Child("title"), "a failure needs a title"))
	}
	if failed && spec.Issue.Severity == "" {
		errs = append(errs, field.Required(path.Child("severity"), "a failure needs a severity"))
	}
	return errs
}
