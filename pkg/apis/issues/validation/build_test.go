// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/issue"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return scheme
}

// withMarkers adds what the markers find, as the registry does.
func withMarkers(t *testing.T, obj, old runtime.Object, subresource string, errs field.ErrorList) field.ErrorList {
	t.Helper()
	ctx := request.WithRequestInfo(t.Context(), &request.RequestInfo{
		APIGroup: v1alpha1.GroupName, APIVersion: "v1alpha1", Subresource: subresource,
	})
	kind := operation.Create
	if old != nil {
		kind = operation.Update
	}
	return rest.ValidateDeclarativelyWithMigrationChecks(ctx, newScheme(), obj, old, errs, kind, rest.DeclarativeValidationConfig{})
}

func newIssue(change func(*issues.Issue)) *issues.Issue {
	out := &issues.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: "broken", Namespace: "team-gamma", UID: "u", ResourceVersion: "1"},
		Spec: issues.IssueSpec{
			Title:    "build of checkout failed",
			Type:     issues.TypeBuild,
			Severity: issues.SeverityMajor,
			Scope:    issues.IssueScope{Kind: "Component", Name: "checkout"},
		},
	}
	if change != nil {
		change(out)
	}
	return out
}

func validateCreate(t *testing.T, obj *issues.Issue) field.ErrorList {
	t.Helper()
	issue.PrepareCreate(obj, "ann", now)
	return withMarkers(t, obj, nil, "", validation.ValidateIssue(obj))
}

func validateUpdate(t *testing.T, obj, old *issues.Issue) field.ErrorList {
	t.Helper()
	issue.PrepareUpdate(obj, old, "ann", now)
	return withMarkers(t, obj, old, "", validation.ValidateIssueUpdate(obj, old))
}

func newReport(change func(*issues.IssueReport)) *issues.IssueReport {
	out := &issues.IssueReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-gamma"},
		Spec: issues.IssueReportSpec{
			Outcome:    issues.OutcomeFailed,
			ObservedAt: &metav1.MicroTime{Time: now},
			Issue:      issues.ReportedIssue(newIssue(nil).Spec),
			Run:        &issues.IssueRun{Kind: "PipelineRun", Name: "checkout-1", UID: "r-1", URL: "https://ci.example/1"},
		},
	}
	if change != nil {
		change(out)
	}
	return out
}

func validateReport(t *testing.T, obj *issues.IssueReport) field.ErrorList {
	t.Helper()
	return withMarkers(t, obj, nil, "", validation.ValidateIssueReport(obj, now))
}

// paths lists the fields with errors, in order and each once.
func paths(errs field.ErrorList) []string {
	out, seen := []string{}, map[string]bool{}
	for _, err := range errs {
		if !seen[err.Field] {
			seen[err.Field] = true
			out = append(out, err.Field)
		}
	}
	return out
}
