// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
)

// requireAccepted asks the API's own validation. A time that lies ahead is the sender's.
func requireAccepted(t testing.TB, namespace string, spec *issuesv1alpha1.IssueReportSpec) {
	t.Helper()
	report := &issuesv1alpha1.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: namespace}, Spec: *spec}
	errs := issuesv1alpha1.Validate_IssueReport(t.Context(), operation.Operation{Type: operation.Create}, nil, report, nil)
	internal := &issues.IssueReport{}
	require.NoError(t, issuesv1alpha1.Convert_v1alpha1_IssueReport_To_issues_IssueReport(report, internal, nil))
	errs = append(errs, validation.ValidateIssueReport(internal, spec.ObservedAt.Time)...)
	require.Empty(t, errs.Filter(func(err error) bool {
		wrong, ok := errors.AsType[*field.Error](err)
		return ok && wrong.Field == "spec.observedAt"
	}))
}
