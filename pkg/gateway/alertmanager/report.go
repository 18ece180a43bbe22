// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	rules "kite.dev/kite/pkg/issue"
)

// problem is what identifies an issue.
type problem struct {
	namespace string
	scope     issuesv1alpha1.IssueScope
	key       string
}

// check returns what is wrong with an alert.
func (a *alert) check(at string) []gateway.FieldError {
	var errs []gateway.FieldError
	if a.Status != "firing" && a.Status != "resolved" {
		errs = append(errs, gateway.FieldError{Field: at + ".status", Detail: "must be firing or resolved"})
	}
	if a.Labels["alertname"] == "" {
		errs = append(errs, gateway.FieldError{Field: at + ".labels.alertname", Detail: "is required"})
	}
	if a.StartsAt.IsZero() {
		errs = append(errs, gateway.FieldError{Field: at + ".startsAt", Detail: "is required"})
	}
	return errs
}

// namespace is the team's, or "".
func (a *alert) namespace() string { return a.Labels.of("namespace") }

// issue identifies what an alert is about.
func (a *alert) issue(table *workload.Table) issuesv1alpha1.ReportedIssue {
	key := a.Labels["alertname"]
	if symptom := table.ByAlert(key); symptom != nil {
		key = symptom.Key
	}
	return workload.Problem(scopeOf(a.Labels, a.namespace()), key)
}

// spec is the report of an alert.
func (a *alert) spec(table *workload.Table, from string, now time.Time) issuesv1alpha1.IssueReportSpec {
	name := a.Labels["alertname"]
	issue, at := a.issue(table), a.StartsAt
	outcome := issuesv1alpha1.OutcomeSucceeded
	if a.Status == "firing" {
		outcome = issuesv1alpha1.OutcomeFailed
		a.describe(&issue, table, from)
	} else if at = a.EndsAt; at.Before(a.StartsAt) {
		at = now // Alertmanager leaves the end out where it does not know it
	}
	observed := metav1.NewMicroTime(at)
	return issuesv1alpha1.IssueReportSpec{
		Outcome: outcome, ObservedAt: &observed, Issue: issue, Run: &issuesv1alpha1.IssueRun{
			Kind: "Alert", Name: workload.Cut(name), UID: a.identity(),
		},
	}
}

// identity is the same for every notification of one time that an alert fires.
func (a *alert) identity() types.UID {
	fingerprint := a.Fingerprint
	if fingerprint == "" || len(fingerprint) > 64 {
		fingerprint = a.Labels.digest()
	}
	return types.UID(fingerprint + "-" + strconv.FormatInt(a.StartsAt.UnixNano(), 10))
}

func (a *alert) describe(issue *issuesv1alpha1.ReportedIssue, table *workload.Table, from string) {
	name := a.Labels["alertname"]
	what, severity := cmp.Or(a.Annotations["summary"], a.Annotations["message"], name), issuesv1alpha1.SeverityMajor
	if symptom := table.ByAlert(name); symptom != nil {
		what, severity = symptom.Title, symptom.Severity
	}
	issue.Title = gateway.Title(fmt.Sprintf("%s %s: %s", issue.Scope.Kind, issue.Scope.Name, what))
	issue.Description = gateway.Description(a.text())
	issue.Severity = workload.Severity(a.Labels["severity"], severity)
	if rules.IsReason(name) && len(name) <= 128 {
		issue.Cause = name
	}
	issue.Links = a.links(from)
}

// text is what the alert's author says, and the labels, which tell one pod of a workload
// from another.
func (a *alert) text() string {
	var out strings.Builder
	out.WriteString(cmp.Or(a.Annotations["description"], a.Annotations["message"], a.Annotations["summary"], "Alert "+a.Labels["alertname"]))
	out.WriteString("\n\nLabels of the alert:\n")
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		fmt.Fprintf(&out, "- %s: %s\n", name, a.Labels[name])
	}
	return out.String()
}

func (a *alert) links(from string) []issuesv1alpha1.IssueLink {
	var out []issuesv1alpha1.IssueLink
	for _, link := range []issuesv1alpha1.IssueLink{
		{Title: "Runbook", URL: a.Annotations["runbook_url"], Kind: issuesv1alpha1.LinkDocumentation},
		{Title: "Dashboard", URL: a.Annotations["dashboard_url"], Kind: issuesv1alpha1.LinkOther},
		{Title: "Query of the alert", URL: a.GeneratorURL, Kind: issuesv1alpha1.LinkOther},
		{Title: "Alertmanager", URL: from, Kind: issuesv1alpha1.LinkOther},
	} {
		if gateway.IsWebAddress(link.URL) {
			out = append(out, link)
		}
	}
	return out
}

// skipped says why an alert is not reported, or "".
func (a *alert) skipped() string {
	namespace := a.namespace()
	if namespace == "" {
		return "the alert has no label namespace"
	}
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return "the label namespace is no name of a namespace"
	}
	if workload.IsTaskRuns("Pod", a.Labels.ofTarget("pod")) {
		return "the pod is a TaskRun's"
	}
	return ""
}

func problemOf(a *alert, table *workload.Table) problem {
	issue := a.issue(table)
	return problem{namespace: a.namespace(), scope: issue.Scope, key: issue.Key}
}
