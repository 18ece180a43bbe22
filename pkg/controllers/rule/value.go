// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package rule

import (
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"

	"go.yaml.in/yaml/v3"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// maxExpression bounds an expression's text, maxInstructions what it is compiled
	// to: matching takes at most that many steps for each byte of text.
	maxExpression   = 1024
	maxInstructions = 2000
)

// Values that have rules of their own decode themselves, so that their mistakes are told
// with a line and together with all others.

// expression is a regular expression.
type expression struct {
	*regexp.Regexp

	// given tells an expression that is wrong from one that is missing.
	given bool
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *expression) UnmarshalYAML(node *yaml.Node) error {
	e.given = true
	text := node.Value
	if node.Kind != yaml.ScalarNode || text == "" {
		return mistake(node, "want a regular expression")
	}
	if len(text) > maxExpression {
		return mistake(node, "the expression has more than %d bytes", maxExpression)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return mistake(node, "%v", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return mistake(node, "%v", err)
	}
	if len(program.Inst) > maxInstructions {
		return mistake(node, "the expression is too large: it takes %d instructions, %d are allowed", len(program.Inst), maxInstructions)
	}
	if e.Regexp, err = regexp.Compile(text); err != nil {
		return mistake(node, "%v", err)
	}
	if e.MatchString("") {
		return mistake(node, "the expression matches everything")
	}
	return nil
}

// source is where an expression looks.
type source string

const (
	// inLabels are the run's labels and those annotations that say where it comes from,
	// each as a line name=value.
	inLabels source = "Labels"
	inTitle  source = "Title"
	// inLog is the end of the failed step's log.
	inLog source = "Log"
)

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *source) UnmarshalYAML(node *yaml.Node) error {
	*s = source(node.Value)
	return oneOf(node, inLabels, inTitle, inLog)
}

type severity string

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *severity) UnmarshalYAML(node *yaml.Node) error {
	*s = severity(node.Value)
	return oneOf(node, issuesv1alpha1.SeverityCritical, issuesv1alpha1.SeverityMajor, issuesv1alpha1.SeverityMinor, issuesv1alpha1.SeverityInfo)
}

func oneOf[T ~string](node *yaml.Node, allowed ...T) error {
	if !slices.Contains(allowed, T(node.Value)) {
		return mistake(node, "%q is none of %q", node.Value, allowed)
	}
	return nil
}

// reason is what the API takes for a cause.
type reason string

var reasonPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,127}$`)

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *reason) UnmarshalYAML(node *yaml.Node) error {
	*r = reason(node.Value)
	if !reasonPattern.MatchString(node.Value) {
		return mistake(node, "%q is no reason in CamelCase of at most 128 characters", node.Value)
	}
	return nil
}

// word is what the API takes for an origin.
type word string

const maxWord = 253

// UnmarshalYAML implements yaml.Unmarshaler.
func (w *word) UnmarshalYAML(node *yaml.Node) error {
	*w = word(node.Value)
	if len(node.Value) > maxWord || !keyPattern.MatchString(node.Value) {
		return mistake(node, "%q is no word of letters, digits, '-', '_' and '.' of at most %d characters", node.Value, maxWord)
	}
	return nil
}

// webURL is an absolute address.
type webURL string

// UnmarshalYAML implements yaml.Unmarshaler.
func (u *webURL) UnmarshalYAML(node *yaml.Node) error {
	*u = webURL(node.Value)
	parsed, err := url.Parse(node.Value)
	if err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return mistake(node, "%q is no absolute http or https URL", node.Value)
	}
	return nil
}

// mistake lets the decoder go on to find more.
func mistake(node *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", node.Line) + fmt.Sprintf(format, args...)}}
}
