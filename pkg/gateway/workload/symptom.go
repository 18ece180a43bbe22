// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// maxRules and maxTitle bound a file's symptoms.
const (
	maxRules = 200
	maxTitle = 128
)

// Symptom is what can be wrong with a workload.
type Symptom struct {
	Key      string
	Title    string
	Severity issuesv1alpha1.IssueSeverity
	Subject  *configv1alpha1.AlertSubject // nil: the alert's labels tell
}

// Table finds symptoms. The first rule that matches counts.
type Table struct {
	alerts             map[string]*Symptom
	events, recoveries map[string][]match
}

type match struct {
	message string
	symptom *Symptom
}

// ByAlert is the symptom of an alert, or nil.
func (t *Table) ByAlert(name string) *Symptom { return t.alerts[name] }

// ByEvent is the symptom that an event of type Warning shows, or nil.
func (t *Table) ByEvent(reason, message string) *Symptom { return find(t.events[reason], message) }

// EndedBy is the symptom that an event of type Normal ends, or nil.
func (t *Table) EndedBy(reason, message string) *Symptom { return find(t.recoveries[reason], message) }

func find(matches []match, message string) *Symptom {
	for _, m := range matches {
		if strings.Contains(message, m.message) {
			return m.symptom
		}
	}
	return nil
}

// Compile makes a table of rules, or returns all that is wrong with them.
func Compile(symptoms []configv1alpha1.SymptomRule, at *field.Path) (*Table, field.ErrorList) {
	if len(symptoms) > maxRules {
		return nil, field.ErrorList{field.TooMany(at, len(symptoms), maxRules)}
	}
	t := &Table{alerts: map[string]*Symptom{}, events: map[string][]match{}, recoveries: map[string][]match{}}
	var errs field.ErrorList
	for i := range symptoms {
		errs = append(errs, check(&symptoms[i], at.Index(i))...)
		t.add(&symptoms[i])
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return t, nil
}

func (t *Table) add(rule *configv1alpha1.SymptomRule) {
	symptom := &Symptom{Key: rule.Symptom, Title: rule.Title, Severity: rule.Severity, Subject: rule.Subject}
	if symptom.Severity == "" {
		symptom.Severity = issuesv1alpha1.SeverityMajor
	}
	for _, name := range rule.Alerts {
		if t.alerts[name] == nil {
			t.alerts[name] = symptom
		}
	}
	for _, e := range rule.Events {
		t.events[e.Reason] = append(t.events[e.Reason], match{e.Message, symptom})
	}
	for _, e := range rule.Recoveries {
		t.recoveries[e.Reason] = append(t.recoveries[e.Reason], match{e.Message, symptom})
	}
}

var severities = []issuesv1alpha1.IssueSeverity{
	"", issuesv1alpha1.SeverityCritical, issuesv1alpha1.SeverityMajor, issuesv1alpha1.SeverityMinor, issuesv1alpha1.SeverityInfo,
}

func check(rule *configv1alpha1.SymptomRule, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if !rules.IsReason(rule.Symptom) {
		errs = append(errs, field.Invalid(at.Child("symptom"), rule.Symptom, "must be CamelCase, such as CrashLoop"))
	}
	if rule.Title == "" || len(rule.Title) > maxTitle {
		errs = append(errs, field.Invalid(at.Child("title"), rule.Title, fmt.Sprintf("must be 1 to %d characters", maxTitle)))
	}
	if !isSeverity(rule.Severity) {
		errs = append(errs, field.NotSupported(at.Child("severity"), rule.Severity, severities[1:]))
	}
	if s := rule.Subject; s != nil && !IsKind(s.APIGroup, s.Kind) {
		errs = append(errs, field.Invalid(at.Child("subject"), s.APIGroup+"/"+s.Kind, "must be an API group without version and a kind, such as cert-manager.io and Certificate"))
	}
	if s := rule.Subject; s != nil && s.Label == "" {
		errs = append(errs, field.Required(at.Child("subject", "label"), "the label of the alert that has the resource's name"))
	}
	for list, events := range map[string][]configv1alpha1.EventMatch{"events": rule.Events, "recoveries": rule.Recoveries} {
		for i := range events {
			if events[i].Reason == "" {
				errs = append(errs, field.Required(at.Child(list).Index(i).Child("reason"), ""))
			}
		}
	}
	return errs
}
