// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
)

// ValidateIssueGroupReport checks a report about a group at the server's time.
func ValidateIssueGroupReport(report *issues.IssueGroupReport, now time.Time) field.ErrorList {
	spec, path := &report.Spec, field.NewPath("spec")
	errs := validateText(report)
	errs = append(errs, validateWord(spec.GroupKey, path.Child("groupKey"))...)
	errs = append(errs, validateObservedAt(spec.ObservedAt, now, path.Child("observedAt"))...)
	errs = append(errs, validateReason(spec.Reason, path.Child("reason"))...)
	if spec.Outcome == issues.OutcomeFailed {
		errs = append(errs, field.NotSupported(path.Child("outcome"), spec.Outcome, []issues.Outcome{issues.OutcomeSucceeded}))
	}
	return errs
}
