// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package rule

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	apiVersion = "config.kite.dev/v1alpha1"
	kind       = "ReportRules"

	// maxFile, maxRules and the bounds of expressions keep what one failure costs small.
	maxFile  = 256 << 10
	maxRules = 200
)

// file is the YAML that an operator writes.
type file struct {
	APIVersion string      `yaml:"apiVersion"`
	Kind       string      `yaml:"kind"`
	Groups     []groupRule `yaml:"groups"`
	Causes     []causeRule `yaml:"causes"`

	Severities []severityRule `yaml:"severities"`
	Origins    []originRule   `yaml:"origins"`
}

// condition is what rules of both sorts have.
type condition struct {
	// Match is found in one line of what In names.
	Match expression `yaml:"match"`
	In    []source   `yaml:"in"`
	// Types are the types of issues that the rule is for; none means all.
	Types []string `yaml:"types"`
}

// groupRule gives an issue its group.
type groupRule struct {
	condition `yaml:",inline"`
	// Key is the group's key, with $0 for all that matched and $1 for what the first
	// parentheses did. Defaults to $0.
	Key string `yaml:"key"`
	// Severity is the issue's, if it is worse than the one that it has.
	Severity severity `yaml:"severity"`
	// Title is put before the issue's.
	Title string   `yaml:"title"`
	Link  *address `yaml:"link"`
}

// causeRule gives an issue its cause.
type causeRule struct {
	condition `yaml:",inline"`
	Cause     reason   `yaml:"cause"`
	Help      *address `yaml:"help"`
}

// severityRule gives an issue its severity, be it worse or less bad than the one that it
// has. A group can still make it worse.
type severityRule struct {
	condition `yaml:",inline"`
	Severity  severity `yaml:"severity"`
}

// originRule says who caused the change that failed.
type originRule struct {
	condition `yaml:",inline"`
	Origin    word `yaml:"origin"`
}

// address is a link. {groupKey} stands for the group's key.
type address struct {
	Title string `yaml:"title"`
	URL   webURL `yaml:"url"`
}

//go:embed default.yaml
var defaultRules []byte

// Default returns the rules that are used when an operator gives none.
func Default() (*Set, error) { return Parse(defaultRules) }

// Load reads a file of rules; an empty path means the default ones.
func Load(path string) (*Set, error) {
	if path == "" {
		return Default()
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read rules %s: %w", path, err)
	}
	set, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("rules %s: %w", path, err)
	}
	return set, nil
}

// Parse reads rules. Its error names everything that is wrong, with the line.
func Parse(data []byte) (*Set, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var f file
	err := decoder.Decode(&f)
	if typeErr := (*yaml.TypeError)(nil); err != nil && !errors.As(err, &typeErr) {
		return nil, err
	}
	mistakes := mistakesOf(err)
	if decoder.Decode(&yaml.Node{}) == nil {
		mistakes = append(mistakes, "more than one document")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	mistakes = append(mistakes, f.check(&root)...)
	if len(mistakes) > 0 {
		return nil, errors.New(strings.Join(mistakes, "\n"))
	}
	return &Set{groups: f.Groups, causes: f.Causes, severities: f.Severities, origins: f.Origins}, nil
}

func mistakesOf(err error) []string {
	if typeErr := (*yaml.TypeError)(nil); errors.As(err, &typeErr) {
		return typeErr.Errors
	}
	return nil
}

// check finds what is missing, and what no field can tell by itself.
func (f *file) check(root *yaml.Node) []string {
	var out []string
	if f.APIVersion != apiVersion || f.Kind != kind {
		out = append(out, fmt.Sprintf("want apiVersion %s and kind %s", apiVersion, kind))
	}
	if len(f.Groups)+len(f.Causes)+len(f.Severities)+len(f.Origins) > maxRules {
		out = append(out, fmt.Sprintf("more than %d rules", maxRules))
	}
	out = append(out, checkEach(root, "groups", f.Groups)...)
	out = append(out, checkEach(root, "causes", f.Causes)...)
	out = append(out, checkEach(root, "severities", f.Severities)...)
	return append(out, checkEach(root, "origins", f.Origins)...)
}

// checker is a pointer to a rule of any sort.
type checker[T any] interface {
	*T
	check(at string) []string
}

func checkEach[T any, P checker[T]](root *yaml.Node, list string, rules []T) []string {
	var out []string
	for i := range rules {
		out = append(out, P(&rules[i]).check(fmt.Sprintf("line %d: %s[%d]", lineOf(root, list, i), list, i))...)
	}
	return out
}

func (r *groupRule) check(at string) []string {
	return append(r.condition.check(at), r.Link.check(at+".link")...)
}

func (r *causeRule) check(at string) []string {
	out := append(r.condition.check(at), r.Help.check(at+".help")...)
	return append(out, required(at+".cause", r.Cause)...)
}

func (r *severityRule) check(at string) []string {
	return append(r.condition.check(at), required(at+".severity", r.Severity)...)
}

func (r *originRule) check(at string) []string {
	return append(r.condition.check(at), required(at+".origin", r.Origin)...)
}

func required[T ~string](at string, value T) []string {
	if value == "" {
		return []string{at + ": required"}
	}
	return nil
}

func (c *condition) check(at string) []string {
	var out []string
	if !c.Match.given {
		out = append(out, at+".match: required")
	}
	if len(c.In) == 0 {
		out = append(out, at+".in: required")
	}
	return out
}

func (a *address) check(at string) []string {
	if a == nil {
		return nil
	}
	var out []string
	if a.Title == "" {
		out = append(out, at+".title: required")
	}
	if a.URL == "" {
		out = append(out, at+".url: required")
	}
	return out
}

// lineOf is the line of the nth element of a list at the top of a document, 0 when there
// is none.
func lineOf(root *yaml.Node, list string, n int) int {
	if len(root.Content) == 0 {
		return 0
	}
	members := root.Content[0].Content
	for i := 0; i+1 < len(members); i += 2 {
		if members[i].Value == list && n < len(members[i+1].Content) {
			return members[i+1].Content[n].Line
		}
	}
	return 0
}
