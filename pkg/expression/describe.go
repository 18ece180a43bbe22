// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
)

// Identify gives the identity of a problem: type, scope, stage and key. It is all that a
// recovery needs. A template without a scope has the one given.
func (t *Template) Identify(ctx context.Context, e *Evaluation, scope issues.IssueScope) (issues.ReportedIssue, error) {
	stage, out := "", issues.ReportedIssue{Type: t.spec.Type, Scope: scope}
	targets := []Target{{t.key, &out.Key}, {t.stage, &stage}}
	uid := string(out.Scope.UID)
	if t.spec.Scope != nil {
		targets = append(targets,
			Target{t.scope.apiGroup, &out.Scope.APIGroup},
			Target{t.scope.kind, &out.Scope.Kind},
			Target{t.scope.name, &out.Scope.Name},
			Target{t.scope.uid, &uid})
	}
	if err := e.Texts(ctx, targets...); err != nil {
		return issues.ReportedIssue{}, err
	}
	out.Stage, out.Scope.UID = issues.IssueStage(stage), types.UID(uid)
	return out, nil
}

// Describe gives all that is reported of a problem.
func (t *Template) Describe(ctx context.Context, e *Evaluation, scope issues.IssueScope) (issues.ReportedIssue, error) {
	out, err := t.Identify(ctx, e, scope)
	if err != nil {
		return issues.ReportedIssue{}, err
	}
	out.ExpiresAfter = t.spec.ExpiresAfter.DeepCopy()
	severity, due := "", ""
	err = e.Texts(ctx, []Target{
		{t.severity, &severity},
		{t.title, &out.Title},
		{t.description, &out.Description},
		{t.application, &out.Application},
		{t.component, &out.Component},
		{t.groupKey, &out.GroupKey},
		{t.origin, &out.Origin},
		{t.cause, &out.Cause},
		{t.due, &due},
	}...)
	if err != nil {
		return issues.ReportedIssue{}, err
	}
	out.Title, out.Description = oneLine(out.Title), cut(out.Description, maxDescription)
	out.Severity, out.DueDate = t.spec.Severity, timeOf(due)
	if severity != "" {
		out.Severity = issues.IssueSeverity(severity)
	}
	if out.Links, err = t.linksOf(ctx, e); err != nil {
		return issues.ReportedIssue{}, err
	}
	if out.Migration, err = t.migration.of(ctx, e); err != nil {
		return issues.ReportedIssue{}, err
	}
	return out, nil
}

// linksOf leaves out links that lead nowhere.
func (t *Template) linksOf(ctx context.Context, e *Evaluation) ([]issues.IssueLink, error) {
	var out []issues.IssueLink
	for i, parts := range t.links {
		link := issues.IssueLink{Kind: t.spec.Links[i].Kind}
		err := e.Texts(ctx, Target{parts.title, &link.Title}, Target{parts.url, &link.URL}, Target{parts.description, &link.Description})
		if err != nil {
			return nil, err
		}
		if link.URL != "" {
			out = append(out, link)
		}
	}
	return out, nil
}

// of gives none where every part is empty.
func (m migration) of(ctx context.Context, e *Evaluation) (*issues.IssueMigration, error) {
	out := issues.IssueMigration{}
	err := e.Texts(ctx, Target{m.from, &out.From}, Target{m.to, &out.To}, Target{m.description, &out.Description}, Target{m.url, &out.URL})
	if err != nil || out == (issues.IssueMigration{}) {
		return nil, err
	}
	return &out, nil
}
