// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
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

// check refuses an alert that cannot be reported: the others of its notification are.
func (a *alert) check() error {
	var errs []gateway.FieldError
	if a.Status != "firing" && a.Status != "resolved" {
		errs = append(errs, gateway.FieldError{Field: "status", Detail: "must be firing or resolved"})
	}
	if a.Labels["alertname"] == "" {
		errs = append(errs, gateway.FieldError{Field: "labels.alertname", Detail: "is required"})
	}
	if a.StartsAt.IsZero() {
		errs = append(errs, gateway.FieldError{Field: "startsAt", Detail: "is required"})
	}
	if len(errs) == 0 {
		return nil
	}
	return &gateway.Problem{Status: http.StatusBadRequest, Detail: "an alert has a status, a name and a start", Errors: errs}
}

// problemOf identifies what an alert is about.
func (s *Settings) problemOf(a *alert) problem {
	key, namespace := a.Labels["alertname"], a.Labels.namespace(s.Monitoring)
	var subject *configv1alpha1.AlertSubject
	if symptom := s.Symptoms.ByAlert(key); symptom != nil {
		key, subject = symptom.Key, symptom.Subject
	}
	issue := workload.Problem(scopeOf(a.Labels, namespace, subject), key)
	return problem{namespace: namespace, scope: issue.Scope, key: issue.Key}
}

// spec is the report of an alert.
func (a *alert) spec(of problem, table *workload.Table, from string, now time.Time) issuesv1alpha1.IssueReportSpec {
	name := a.Labels["alertname"]
	issue, at := workload.Problem(of.scope, of.key), a.StartsAt
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
func (a *alert) skipped(namespace string) string {
	if namespace == "" {
		return "no label names a namespace"
	}
	if !isNamespace(namespace) {
		return "the label namespace is no name of a namespace"
	}
	if workload.IsTaskRuns("Pod", a.Labels.pod(namespace)) {
		return "the pod is a TaskRun's"
	}
	return ""
}
