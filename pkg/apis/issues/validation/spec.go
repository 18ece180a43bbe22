// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issue"
)

// The markers' limits, beyond which no second error is given.
const (
	maxURL    = 2048
	maxReason = 128
)

var (
	kindPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	wordPattern = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
)

func validateSpec(spec *issues.IssueSpec, path *field.Path) field.ErrorList {
	errs := validateTitle(spec.Title, path.Child("title"))
	errs = append(errs, validateKind(spec.Scope.Kind, path.Child("scope", "kind"))...)
	errs = append(errs, validateWord(spec.Application, path.Child("application"))...)
	errs = append(errs, validateWord(spec.Component, path.Child("component"))...)
	errs = append(errs, validateWord(spec.GroupKey, path.Child("groupKey"))...)
	errs = append(errs, validateWord(spec.Origin, path.Child("origin"))...)
	errs = append(errs, validateReason(spec.Cause, path.Child("cause"))...)
	for i := range spec.Links {
		errs = append(errs, validateURL(spec.Links[i].URL, path.Child("links").Index(i).Child("url"))...)
	}
	if spec.Migration != nil {
		errs = append(errs, validateURL(spec.Migration.URL, path.Child("migration", "url"))...)
	}
	if spec.DueDate != nil && spec.DueDate.IsZero() {
		errs = append(errs, field.Invalid(path.Child("dueDate"), spec.DueDate, "must be a time after the year 1"))
	}
	if spec.ExpiresAfter != nil && spec.ExpiresAfter.Duration <= 0 {
		errs = append(errs, field.Invalid(path.Child("expiresAfter"), spec.ExpiresAfter.Duration.String(), "must be more than zero"))
	}
	return errs
}

// validateTitle wants one line that is not blank. An absent title is a matter of
// markers.
func validateTitle(title string, path *field.Path) field.ErrorList {
	if title == "" {
		return nil
	}
	if strings.TrimSpace(title) == "" {
		return field.ErrorList{field.Invalid(path, title, "must not be blank")}
	}
	// U+0000 has its own message.
	if strings.ContainsFunc(title, func(r rune) bool { return r != 0 && unicode.IsControl(r) }) {
		return field.ErrorList{field.Invalid(path, title, "must be one line without control characters")}
	}
	return nil
}

func validateKind(kind string, path *field.Path) field.ErrorList {
	return validatePattern(kind, kindPattern, "must be a kind in CamelCase without group and version, such as PipelineRun", path)
}

// validateReason leaves one that is too long to markers.
func validateReason(reason string, path *field.Path) field.ErrorList {
	if reason == "" || len(reason) > maxReason || issue.IsReason(reason) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, reason, "must be a reason in CamelCase, such as TokenExpired")}
}

// validateWord wants the characters of a label value, at any length: longer
// values are shortened for the label only.
func validateWord(word string, path *field.Path) field.ErrorList {
	return validatePattern(word, wordPattern, "must consist of letters, digits, '-', '_' or '.', and must begin and end with a letter or digit", path)
}

func validatePattern(value string, pattern *regexp.Regexp, message string, path *field.Path) field.ErrorList {
	if value == "" || pattern.MatchString(value) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, message)}
}

// validateURL keeps addresses out that a browser would execute instead of open.
// One that is too long has an error by markers already.
func validateURL(address string, path *field.Path) field.ErrorList {
	if address == "" || len(address) > maxURL {
		return nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return field.ErrorList{field.Invalid(path, address, "must be an absolute http or https URL")}
	}
	return nil
}

// validateRelated wants relations to other issues, each only once.
func validateRelated(related []issues.RelatedIssue, namespace, name string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[issues.RelatedIssue]bool{}
	for i, other := range related {
		if other.Namespace == "" {
			other.Namespace = namespace
		}
		if other.Namespace == namespace && other.Name == name && name != "" {
			errs = append(errs, field.Invalid(path.Index(i).Child("name"), other.Name, "must be another issue"))
		}
		if seen[other] {
			errs = append(errs, field.Duplicate(path.Index(i), other.Name))
		}
		seen[other] = true
	}
	return errs
}

func validateAffected(affected []issues.AffectedResource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range affected {
		errs = append(errs, validateKind(affected[i].Kind, path.Index(i).Child("kind"))...)
	}
	return errs
}
