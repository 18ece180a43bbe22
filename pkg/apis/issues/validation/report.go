// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// MaxAhead is how far a report's observedAt may lie ahead of the server's clock.
const MaxAhead = 5 * time.Minute

// ValidateIssueReport checks a report at the server's time.
func ValidateIssueReport(report *issues.IssueReport, now time.Time) field.ErrorList {
	spec, path := &report.Spec, field.NewPath("spec")
	described := issues.IssueSpec(spec.Issue)

	errs := validateText(report)
	errs = append(errs, validateSpec(&described, path.Child("issue"))...)
	errs = append(errs, validateRelated(described.RelatedIssues, report.Namespace, "", path.Child("issue", "relatedIssues"))...)
	errs = append(errs, validateObservedAt(spec.ObservedAt, now, path.Child("observedAt"))...)
	errs = append(errs, validateRun(spec, path.Child("run"))...)
	errs = append(errs, validateReason(spec.Reason, path.Child("reason"))...)
	errs = append(errs, validateAffected(spec.Affected, path.Child("affected"))...)
	return append(errs, validateOutcome(spec, path)...)
}

func validateObservedAt(at *metav1.MicroTime, now time.Time, path *field.Path) field.ErrorList {
	if at == nil {
		return nil
	}
	if at.IsZero() {
		return field.ErrorList{field.Invalid(path, at, "must be a time after the year 1")}
	}
	if ahead := at.Sub(now); ahead > MaxAhead {
		message := fmt.Sprintf("must be at most %s ahead of the server's clock, which says %s", MaxAhead, now.UTC().Format(time.RFC3339))
		return field.ErrorList{field.Invalid(path, at.UTC().Format(time.RFC3339Nano), message)}
	}
	return nil
}

func validateRun(spec *issues.IssueReportSpec, path *field.Path) field.ErrorList {
	run := spec.Run
	if run == nil {
		return nil
	}
	errs := validateKind(run.Kind, path.Child("kind"))
	errs = append(errs, validateURL(run.URL, path.Child("url"))...)
	if run.Outcome != "" && run.Outcome != spec.Outcome {
		errs = append(errs, field.Invalid(path.Child("outcome"), run.Outcome, "must be the report's outcome, or left out"))
	}
	return errs
}

// validateOutcome checks what a failure or a recovery needs beyond what every
// report needs.
func validateOutcome(spec *issues.IssueReportSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	failed := spec.Outcome == issues.OutcomeFailed
	if spec.Issue.Type == "" && (failed || !spec.AllTypes) {
		errs = append(errs, field.Required(path.Child("issue", "type"), ""))
	}
	if !failed {
		return errs
	}
	if spec.Issue.Title == "" {
		errs = append(errs, field.Required(path.Child("issue", "title"), "a failure needs a title"))
	}
	if spec.Issue.Severity == "" {
		errs = append(errs, field.Required(path.Child("issue", "severity"), "a failure needs a severity"))
	}
	if spec.AllKeys {
		errs = append(errs, field.Forbidden(path.Child("allKeys"), "is for recoveries only"))
	}
	if spec.AllTypes {
		errs = append(errs, field.Forbidden(path.Child("allTypes"), "is for recoveries only"))
	}
	return errs
}

// ValidateIssueResolution checks what a person sends to resolve an issue.
func ValidateIssueResolution(obj *issues.IssueResolution) field.ErrorList {
	return append(validateText(obj), validateReason(obj.Reason, field.NewPath("reason"))...)
}

// ValidateIssueReopening checks what a person sends to reopen an issue.
func ValidateIssueReopening(obj *issues.IssueReopening) field.ErrorList {
	return validateText(obj)
}

// ValidateIssueAcknowledgement checks what a person sends to acknowledge an
// issue at the server's time.
func ValidateIssueAcknowledgement(obj *issues.IssueAcknowledgement, now time.Time) field.ErrorList {
	errs := validateText(obj)
	if obj.Until == nil {
		return errs
	}
	path := field.NewPath("until")
	if !obj.Until.After(now) {
		errs = append(errs, field.Invalid(path, obj.Until, "must be in the future"))
	}
	if obj.Until.Sub(now) > issue.MaxAcknowledgement {
		errs = append(errs, field.Invalid(path, obj.Until, "must be at most 90 days ahead"))
	}
	return errs
}
