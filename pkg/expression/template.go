// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"kite.dev/kite/pkg/apis/issues"
)

// Template is what is reported of a problem, with its expressions compiled. It can be used
// concurrently.
type Template struct {
	spec issues.IssueTemplate

	scope                                                scope
	severity, title, description, key, stage             *Expression
	application, component, groupKey, origin, cause, due *Expression
	links                                                []link
	migration                                            migration
}

type scope struct{ apiGroup, kind, name, uid *Expression }

type link struct{ title, url, description *Expression }

type migration struct{ from, to, description, url *Expression }

// Template compiles all of a template.
func (c *Compiler) Template(spec *issues.IssueTemplate, path *field.Path) *Template {
	out := &Template{
		spec:        *spec.DeepCopy(),
		severity:    c.Text(spec.SeverityExpression, path.Child("severityExpression"), checkSeverity),
		title:       c.Text(spec.Title, path.Child("title"), nil),
		description: c.Text(spec.Description, path.Child("description"), nil),
		key:         c.Text(spec.Key, path.Child("key"), nil),
		stage:       c.Text(spec.Stage, path.Child("stage"), checkStage),
		application: c.Text(spec.Application, path.Child("application"), nil),
		component:   c.Text(spec.Component, path.Child("component"), nil),
		groupKey:    c.Text(spec.GroupKey, path.Child("groupKey"), nil),
		origin:      c.Text(spec.Origin, path.Child("origin"), nil),
		cause:       c.Text(spec.Cause, path.Child("cause"), CheckReason),
		due:         c.Text(spec.DueDate, path.Child("dueDate"), CheckTime),
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

func (c *Compiler) scope(in *issues.ScopeTemplate, path *field.Path) scope {
	return scope{
		apiGroup: c.Text(in.APIGroup, path.Child("apiGroup"), nil),
		kind:     c.Text(in.Kind, path.Child("kind"), nil),
		name:     c.Text(in.Name, path.Child("name"), nil),
		uid:      c.Text(in.UID, path.Child("uid"), nil),
	}
}

func (c *Compiler) link(in *issues.LinkTemplate, path *field.Path) link {
	return link{
		title:       c.Text(in.Title, path.Child("title"), nil),
		url:         c.Text(in.URL, path.Child("url"), nil),
		description: c.Text(in.Description, path.Child("description"), nil),
	}
}

func (c *Compiler) migration(in *issues.MigrationTemplate, path *field.Path) migration {
	return migration{
		from:        c.Text(in.From, path.Child("from"), nil),
		to:          c.Text(in.To, path.Child("to"), nil),
		description: c.Text(in.Description, path.Child("description"), nil),
		url:         c.Text(in.URL, path.Child("url"), nil),
	}
}
