// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"sync"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
)

// maxExpression is the markers' limit in bytes. What is longer is not compiled.
const maxExpression = 4096

var language = sync.OnceValues(newEnv)

// Monitor is a compiled spec. It can be used concurrently.
type Monitor struct {
	ignore, failing, recovered *expression
	issue                      template
}

// template holds what a monitor reports. Absent expressions are nil.
type template struct {
	spec issues.MonitoredIssue

	scope                                                scope
	severity, title, description, key, stage             *expression
	application, component, groupKey, origin, cause, due *expression
	links                                                []link
	migration                                            migration
}

type scope struct{ apiGroup, kind, name, uid *expression }

type link struct{ title, url, description *expression }

type migration struct{ from, to, description, url *expression }

// Compile returns every error of every expression at once: its field, and in the message
// its line and column. That required expressions are there, and none is too long, is
// checked by markers: Compile takes both for absent ones.
func Compile(spec *issues.IssueMonitorSpec, path *field.Path) (*Monitor, field.ErrorList) {
	env, err := language()
	if err != nil {
		return nil, field.ErrorList{field.InternalError(path, err)}
	}
	c := &compiler{env: env}
	out := &Monitor{
		ignore:    c.boolean(spec.Ignore, path.Child("ignore")),
		failing:   c.boolean(spec.Failing, path.Child("failing")),
		recovered: c.boolean(spec.Recovered, path.Child("recovered")),
		issue:     c.template(&spec.Issue, path.Child("issue")),
	}
	return out, c.errs
}

// compiler collects errors.
type compiler struct {
	env  *cel.Env
	errs field.ErrorList
}

func (c *compiler) template(spec *issues.MonitoredIssue, path *field.Path) template {
	out := template{
		spec:        *spec.DeepCopy(),
		severity:    c.text(spec.SeverityExpression, path.Child("severityExpression"), checkSeverity),
		title:       c.text(spec.Title, path.Child("title"), nil),
		description: c.text(spec.Description, path.Child("description"), nil),
		key:         c.text(spec.Key, path.Child("key"), nil),
		stage:       c.text(spec.Stage, path.Child("stage"), checkStage),
		application: c.text(spec.Application, path.Child("application"), nil),
		component:   c.text(spec.Component, path.Child("component"), nil),
		groupKey:    c.text(spec.GroupKey, path.Child("groupKey"), nil),
		origin:      c.text(spec.Origin, path.Child("origin"), nil),
		cause:       c.text(spec.Cause, path.Child("cause"), checkCause),
		due:         c.text(spec.DueDate, path.Child("dueDate"), checkTime),
	}
	if in := spec.Scope; in != nil {
		out.scope = c.scope(in, path.Child("scope"))
	}
	for i := range spec.Links {
		out.links = append(out.links, c.link(&spec.Links[i], path.Child("links").Index(i)))
	}
	if in := spec.Migration; in != nil {
		out.migration = c.migration(in, path.Child("migration"))
	}
	return out
}

func (c *compiler) scope(in *issues.MonitoredScope, path *field.Path) scope {
	return scope{
		apiGroup: c.text(in.APIGroup, path.Child("apiGroup"), nil),
		kind:     c.text(in.Kind, path.Child("kind"), nil),
		name:     c.text(in.Name, path.Child("name"), nil),
		uid:      c.text(in.UID, path.Child("uid"), nil),
	}
}

func (c *compiler) link(in *issues.MonitoredLink, path *field.Path) link {
	return link{
		title:       c.text(in.Title, path.Child("title"), nil),
		url:         c.text(in.URL, path.Child("url"), nil),
		description: c.text(in.Description, path.Child("description"), nil),
	}
}

func (c *compiler) migration(in *issues.MonitoredMigration, path *field.Path) migration {
	return migration{
		from:        c.text(in.From, path.Child("from"), nil),
		to:          c.text(in.To, path.Child("to"), nil),
		description: c.text(in.Description, path.Child("description"), nil),
		url:         c.text(in.URL, path.Child("url"), nil),
	}
}

func (c *compiler) boolean(text string, path *field.Path) *expression {
	return c.compile(source{path: path, text: text, want: cel.BoolType})
}

func (c *compiler) text(text string, path *field.Path, check func(string) string) *expression {
	return c.compile(source{path: path, text: text, want: cel.StringType, check: check})
}

func (c *compiler) compile(s source) *expression {
	if s.text == "" || len(s.text) > maxExpression {
		return nil
	}
	out, errs := s.compile(c.env)
	c.errs = append(c.errs, errs...)
	return out
}
