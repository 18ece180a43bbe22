// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package rule

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// maxRules and the bounds of expressions keep what one failure costs small.
	maxRules = 200
	// maxExpression bounds an expression's text, maxInstructions what it is compiled to:
	// matching takes at most that many steps for each byte of text.
	maxExpression   = 1024
	maxInstructions = 2000
	// maxKey is what the API takes for a group's key and for an origin.
	maxKey = 253
)

var (
	sources    = sets.New(configv1alpha1.RuleSourceLabels, configv1alpha1.RuleSourceTitle, configv1alpha1.RuleSourceLog)
	severities = sets.New(worst...)

	keyPattern    = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
	reasonPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,127}$`)
)

// Compile checks rules and makes them ready for use. The errors are all that is wrong with
// them, with fields below at.
func Compile(rules *configv1alpha1.ReportRules, at *field.Path) (*Set, field.ErrorList) {
	count := len(rules.Groups) + len(rules.Causes) + len(rules.Severities) + len(rules.Origins)
	if count > maxRules {
		return nil, field.ErrorList{field.TooMany(at, count, maxRules)}
	}
	c := &compiler{}
	set := &Set{
		groups:     compileEach(at.Child("groups"), rules.Groups, c.group),
		causes:     compileEach(at.Child("causes"), rules.Causes, c.cause),
		severities: compileEach(at.Child("severities"), rules.Severities, c.severity),
		origins:    compileEach(at.Child("origins"), rules.Origins, c.origin),
	}
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return set, nil
}

// BuiltIn are the rules that are used where an operator gives none.
func BuiltIn() (*Set, error) {
	set, errs := Compile(configv1alpha1.BuiltInRules(), field.NewPath("rules"))
	return set, errs.ToAggregate()
}

func compileEach[R, C any](at *field.Path, rules []R, compile func(*field.Path, *R) C) []C {
	out := make([]C, 0, len(rules))
	for i := range rules {
		out = append(out, compile(at.Index(i), &rules[i]))
	}
	return out
}

// compiler collects what is wrong.
type compiler struct{ errs field.ErrorList }

func (c *compiler) group(at *field.Path, r *configv1alpha1.GroupRule) groupRule {
	if r.Severity != "" {
		c.severityIn(at.Child("severity"), r.Severity)
	}
	c.link(at.Child("link"), r.Link)
	return groupRule{
		condition: c.condition(at, &r.RuleCondition),
		key:       cmp.Or(r.Key, "$0"), severity: r.Severity, title: r.Title, link: r.Link,
	}
}

func (c *compiler) cause(at *field.Path, r *configv1alpha1.CauseRule) causeRule {
	if !reasonPattern.MatchString(r.Cause) {
		c.invalid(at.Child("cause"), r.Cause, "must be a reason in CamelCase of at most 128 characters")
	}
	c.link(at.Child("help"), r.Help)
	return causeRule{condition: c.condition(at, &r.RuleCondition), cause: r.Cause, help: r.Help}
}

func (c *compiler) severity(at *field.Path, r *configv1alpha1.SeverityRule) severityRule {
	c.severityIn(at.Child("severity"), r.Severity)
	return severityRule{condition: c.condition(at, &r.RuleCondition), severity: r.Severity}
}

func (c *compiler) origin(at *field.Path, r *configv1alpha1.OriginRule) originRule {
	if len(r.Origin) > maxKey || !keyPattern.MatchString(r.Origin) {
		c.invalid(at.Child("origin"), r.Origin, fmt.Sprintf("must be letters, digits, '-', '_' and '.', at most %d", maxKey))
	}
	return originRule{condition: c.condition(at, &r.RuleCondition), origin: r.Origin}
}

func (c *compiler) condition(at *field.Path, r *configv1alpha1.RuleCondition) condition {
	if len(r.In) == 0 {
		c.errs = append(c.errs, field.Required(at.Child("in"), "say where to look: "+fmt.Sprint(sets.List(sources))))
	}
	for i, source := range r.In {
		if !sources.Has(source) {
			c.errs = append(c.errs, field.NotSupported(at.Child("in").Index(i), source, sets.List(sources)))
		}
	}
	expression, err := compileExpression(r.Match)
	if err != nil {
		c.invalid(at.Child("match"), r.Match[:min(len(r.Match), maxExpression)], err.Error())
	}
	return condition{match: expression, in: r.In, types: r.Types}
}

func (c *compiler) severityIn(at *field.Path, severity issuesv1alpha1.IssueSeverity) {
	if !severities.Has(severity) {
		c.errs = append(c.errs, field.NotSupported(at, severity, worst))
	}
}

func (c *compiler) link(at *field.Path, link *configv1alpha1.RuleLink) {
	if link == nil {
		return
	}
	if link.Title == "" {
		c.errs = append(c.errs, field.Required(at.Child("title"), "people see it"))
	}
	parsed, err := url.Parse(link.URL)
	if err != nil || parsed.Hostname() == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		c.invalid(at.Child("url"), link.URL, "must be an absolute http or https address")
	}
}

func (c *compiler) invalid(at *field.Path, value, detail string) {
	c.errs = append(c.errs, field.Invalid(at, value, detail))
}

func compileExpression(text string) (*regexp.Regexp, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("must have at most %d bytes", maxExpression)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxInstructions {
		return nil, fmt.Errorf("is too large: it takes %d instructions, %d are allowed", len(program.Inst), maxInstructions)
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	if expression.MatchString("") {
		return nil, fmt.Errorf("must not match everything")
	}
	return expression, nil
}
