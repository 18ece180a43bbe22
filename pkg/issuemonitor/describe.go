// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues"
)

// What an issue holds of longer texts.
const (
	maxTitle       = 256   // characters
	maxDescription = 32768 // bytes
)

// Identify gives the identity of an object's issue: type, scope, stage and key. It is all
// that a recovery needs, and all that a healthy object can be asked for. An error is an
// *Error.
func (m *Monitor) Identify(ctx context.Context, in Input) (issues.ReportedIssue, error) {
	return m.issue.identity(ctx, in, in.evaluation())
}

// Describe gives all that is reported of an object that fails. An error is an *Error.
func (m *Monitor) Describe(ctx context.Context, in Input) (issues.ReportedIssue, error) {
	e := in.evaluation()
	out, err := m.issue.identity(ctx, in, e)
	if err != nil {
		return issues.ReportedIssue{}, err
	}
	out.ExpiresAfter = m.issue.spec.ExpiresAfter
	severity, due := "", ""
	err = e.texts(ctx, []target{
		{m.issue.severity, &severity},
		{m.issue.title, &out.Title},
		{m.issue.description, &out.Description},
		{m.issue.application, &out.Application},
		{m.issue.component, &out.Component},
		{m.issue.groupKey, &out.GroupKey},
		{m.issue.origin, &out.Origin},
		{m.issue.cause, &out.Cause},
		{m.issue.due, &due},
	})
	if err != nil {
		return issues.ReportedIssue{}, err
	}
	out.Title, out.Description = oneLine(out.Title), cut(out.Description, maxDescription)
	out.Severity, out.DueDate = m.issue.spec.Severity, timeOf(due)
	if severity != "" {
		out.Severity = issues.IssueSeverity(severity)
	}
	if out.Links, err = m.issue.linksOf(ctx, e); err != nil {
		return issues.ReportedIssue{}, err
	}
	if out.Migration, err = m.issue.migration.of(ctx, e); err != nil {
		return issues.ReportedIssue{}, err
	}
	return out, nil
}

func (t *template) identity(ctx context.Context, in Input, e *evaluation) (issues.ReportedIssue, error) {
	stage, out := "", issues.ReportedIssue{Type: t.spec.Type, Scope: scopeOf(in)}
	targets := []target{{t.key, &out.Key}, {t.stage, &stage}}
	uid := string(out.Scope.UID)
	if t.spec.Scope != nil {
		targets = append(targets,
			target{t.scope.apiGroup, &out.Scope.APIGroup},
			target{t.scope.kind, &out.Scope.Kind},
			target{t.scope.name, &out.Scope.Name},
			target{t.scope.uid, &uid})
	}
	if err := e.texts(ctx, targets); err != nil {
		return issues.ReportedIssue{}, err
	}
	out.Stage, out.Scope.UID = issues.IssueStage(stage), types.UID(uid)
	return out, nil
}

// scopeOf is the watched object.
func scopeOf(in Input) issues.IssueScope {
	kind := in.Object.GroupVersionKind()
	return issues.IssueScope{
		APIGroup: kind.Group, Kind: kind.Kind,
		Namespace: in.Object.GetNamespace(), Name: in.Object.GetName(), UID: in.Object.GetUID(),
	}
}

// linksOf leaves out links that lead nowhere.
func (t *template) linksOf(ctx context.Context, e *evaluation) ([]issues.IssueLink, error) {
	var out []issues.IssueLink
	for i, parts := range t.links {
		link := issues.IssueLink{Kind: t.spec.Links[i].Kind}
		err := e.texts(ctx, []target{{parts.title, &link.Title}, {parts.url, &link.URL}, {parts.description, &link.Description}})
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
func (m migration) of(ctx context.Context, e *evaluation) (*issues.IssueMigration, error) {
	out := issues.IssueMigration{}
	err := e.texts(ctx, []target{{m.from, &out.From}, {m.to, &out.To}, {m.description, &out.Description}, {m.url, &out.URL}})
	if err != nil || out == (issues.IssueMigration{}) {
		return nil, err
	}
	return &out, nil
}

// target is where the value of an expression goes.
type target struct {
	from *expression
	to   *string
}

func (e *evaluation) texts(ctx context.Context, targets []target) error {
	for _, t := range targets {
		value, err := e.text(ctx, t.from)
		if err != nil {
			return err
		}
		*t.to = value
	}
	return nil
}

// oneLine makes a title of text that was written for several lines.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > maxTitle {
		return string(runes[:maxTitle-1]) + "…"
	}
	return text
}

// cut keeps whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// timeOf holds what checkTime has let through.
func timeOf(text string) *metav1.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil
	}
	return &metav1.Time{Time: at}
}
