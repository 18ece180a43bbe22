// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuewebhook"
)

const (
	// MaxTolerance is how far a delivery's timestamp may be from the gateway's clock.
	MaxTolerance = time.Hour

	placeOfTimestamp = "{timestamp}"
	placeOfBody      = "{body}"
)

// ValidateIssueWebhook checks a new webhook.
func ValidateIssueWebhook(obj *issues.IssueWebhook) field.ErrorList {
	errs := apivalidation.ValidateObjectMeta(&obj.ObjectMeta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validateText(obj)...)
	return append(errs, validateWebhook(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateIssueWebhookUpdate leaves a spec that does not change alone: one that was valid
// in an older version must not stand in the way of labels and finalizers.
func ValidateIssueWebhookUpdate(obj, old *issues.IssueWebhook) field.ErrorList {
	errs := apivalidation.ValidateObjectMetaUpdate(&obj.ObjectMeta, &old.ObjectMeta, field.NewPath("metadata"))
	errs = append(errs, validateText(obj)...)
	if apiequality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		return errs
	}
	return append(errs, validateWebhook(&obj.Spec, field.NewPath("spec"))...)
}

// ValidateWebhookStatus checks what the gateway says about a webhook.
func ValidateWebhookStatus(status *issues.IssueWebhookStatus, path *field.Path) field.ErrorList {
	errs := metavalidation.ValidateConditions(status.Conditions, path.Child("conditions"))
	return append(errs, within(path.String(), validateText(status))...)
}

func validateWebhook(spec *issues.IssueWebhookSpec, path *field.Path) field.ErrorList {
	errs := validateAuthentication(&spec.Authentication, path.Child("authentication"))
	errs = append(errs, validateOutcomes(spec, path)...)
	if expires := spec.Issue.ExpiresAfter; expires != nil && expires.Duration <= 0 {
		errs = append(errs, field.Invalid(path.Child("issue", "expiresAfter"), expires.Duration.String(), "must be more than zero"))
	}
	_, faults := issuewebhook.Compile(spec, path)
	return append(errs, faults...)
}

// validateOutcomes checks that something can be reported, and what a failure needs.
func validateOutcomes(spec *issues.IssueWebhookSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.Failed == "" && spec.Succeeded == "" {
		errs = append(errs, field.Required(path.Child("failed"), "at least one of failed and succeeded is needed"))
	}
	if spec.Failed == "" {
		return errs
	}
	if spec.Issue.Title == "" {
		errs = append(errs, field.Required(path.Child("issue", "title"), "a failure needs a title"))
	}
	if spec.Issue.Severity == "" {
		errs = append(errs, field.Required(path.Child("issue", "severity"), "a failure needs a severity"))
	}
	return errs
}

func validateAuthentication(authentication *issues.WebhookAuthentication, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if in := authentication.Github; in != nil {
		errs = append(errs, validateSecretRef(&in.SecretRef, path.Child("github", "secretRef"))...)
	}
	if in := authentication.Gitlab; in != nil {
		errs = append(errs, validateSecretRef(&in.SecretRef, path.Child("gitlab", "secretRef"))...)
	}
	if in := authentication.HMAC; in != nil {
		errs = append(errs, validateSecretRef(&in.SecretRef, path.Child("hmac", "secretRef"))...)
		errs = append(errs, validateHMAC(in, path.Child("hmac"))...)
	}
	return errs
}

// validateSecretRef leaves the name to markers.
func validateSecretRef(ref *issues.SecretKeyReference, path *field.Path) field.ErrorList {
	if ref.Key == "" || len(ref.Key) > validation.DNS1123SubdomainMaxLength {
		return nil
	}
	var errs field.ErrorList
	for _, message := range validation.IsConfigMapKey(ref.Key) {
		errs = append(errs, field.Invalid(path.Child("key"), ref.Key, message))
	}
	return errs
}

func validateHMAC(in *issues.WebhookHMAC, path *field.Path) field.ErrorList {
	errs := validateHeader(in.Header, path.Child("header"))
	errs = append(errs, validateHeader(in.TimestampHeader, path.Child("timestampHeader"))...)
	if in.TimestampHeader != "" && strings.EqualFold(in.Header, in.TimestampHeader) {
		errs = append(errs, field.Invalid(path.Child("timestampHeader"), in.TimestampHeader, "must be another header than that of the signature"))
	}
	errs = append(errs, validateSignedContent(in, path.Child("signedContent"))...)
	if wait := in.Tolerance; wait != nil && (wait.Duration < time.Second || wait.Duration > MaxTolerance) {
		errs = append(errs, field.Invalid(path.Child("tolerance"), wait.Duration.String(), "must be at least 1s and at most 1h"))
	}
	return errs
}

func validateHeader(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return nil
	}
	var errs field.ErrorList
	for _, message := range validation.IsHTTPHeaderName(name) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	return errs
}

// validateSignedContent wants all that a signature must not leave open to others.
func validateSignedContent(in *issues.WebhookHMAC, path *field.Path) field.ErrorList {
	switch content := in.SignedContent; {
	case content == "":
		return nil
	case strings.Count(content, placeOfBody) != 1:
		return field.ErrorList{field.Invalid(path, content, "must contain {body} once")}
	case in.TimestampHeader == "" && strings.Contains(content, placeOfTimestamp):
		return field.ErrorList{field.Invalid(path, content, "must not contain {timestamp} without a timestampHeader")}
	case in.TimestampHeader != "" && strings.Count(content, placeOfTimestamp) != 1:
		return field.ErrorList{field.Invalid(path, content, "must contain {timestamp} once: a timestamp that is not signed proves nothing")}
	default:
		return nil
	}
}
