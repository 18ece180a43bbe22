// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/report/reporttest"
)

// choosy answers with an error for each namespace.
type choosy struct {
	*reporttest.Recorder

	errs map[string]error
}

func (c *choosy) Batch(_ context.Context, reports []report.Report) []report.Answer {
	var out []report.Answer
	for _, r := range reports {
		out = append(out, report.Answer{Status: c.Status, Err: c.errs[r.Namespace]})
	}
	return out
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	reporter := &choosy{
		Recorder: &reporttest.Recorder{Status: issuesv1alpha1.IssueReportStatus{
			Result: issuesv1alpha1.ResultCreated, Issues: []issuesv1alpha1.ReportedObject{{Name: "issue-1"}},
		}},
		errs: map[string]error{
			"forbidden": apierrors.NewForbidden(schema.GroupResource{Resource: "issuereports"}, "", errors.New("no")),
			"away":      apierrors.NewServiceUnavailable("away"),
			"busy":      apierrors.NewTooManyRequests("busy", 17),
			"invalid":   apierrors.NewInvalid(schema.GroupKind{Kind: "IssueReport"}, "", field.ErrorList{field.Required(field.NewPath("spec"), "")}),
		},
	}
	cases := map[string]struct {
		reason     string
		namespaces []string
		want       int
		results    []string
		pause      string
		fields     []string
	}{
		"None":        {reason: "nothing to report", want: http.StatusOK},
		"All":         {reason: "all were taken", namespaces: []string{"a", "b"}, want: http.StatusOK, results: []string{"Created", "Created"}},
		"Skipped":     {reason: "what needs no report is well", namespaces: []string{"a", ""}, want: http.StatusOK, results: []string{"Created", "Skipped"}},
		"Some":        {reason: "success means that all were taken", namespaces: []string{"a", "", "forbidden", "invalid"}, want: http.StatusForbidden, fields: []string{"alerts[forbidden]", "alerts[invalid].spec"}},
		"NoneTaken":   {reason: "the sender has to mend it", namespaces: []string{"forbidden", "invalid"}, want: http.StatusForbidden, fields: []string{"alerts[forbidden]", "alerts[invalid].spec"}},
		"Invalid":     {reason: "with its fields", namespaces: []string{"invalid"}, want: http.StatusUnprocessableEntity, fields: []string{"alerts[invalid].spec"}},
		"Unreadable":  {reason: "the others are reported", namespaces: []string{"a", "unreadable"}, want: http.StatusBadRequest, fields: []string{"alerts[unreadable].key"}},
		"Retry":       {reason: "what was taken counts once", namespaces: []string{"a", "forbidden", "away"}, want: http.StatusServiceUnavailable, pause: "5", fields: []string{"alerts[forbidden]", "alerts[away]"}},
		"LongestWait": {reason: "the longest pause that was asked for", namespaces: []string{"away", "busy"}, want: http.StatusServiceUnavailable, pause: "17", fields: []string{"alerts[away]", "alerts[busy]"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var items []Item
			for _, namespace := range tc.namespaces {
				item := Item{Field: "alerts[" + namespace + "]", Report: report.Report{Namespace: namespace}}
				if namespace == "" {
					item.Skipped = "nothing to say"
				}
				if namespace == "unreadable" {
					item.Err = &Problem{Status: http.StatusBadRequest, Errors: []FieldError{{Field: "key", Detail: "is required"}}}
				}
				items = append(items, item)
			}
			h := NewHandler(defaults(), testClock(), testSource(func(w http.ResponseWriter, r *http.Request) error {
				return Deliver(w, r, Counted("test", reporter), items)
			}))
			w := send(t, h, http.MethodPost, "/hook", "")
			require.Equal(t, tc.want, w.Code, "%s: %s", tc.reason, w.Body)
			require.Equal(t, tc.pause, w.Header().Get("Retry-After"), tc.reason)
			if tc.want >= http.StatusBadRequest {
				problem(t, w)
				var refusal struct{ Errors []FieldError }
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &refusal))
				var fields []string
				for _, e := range refusal.Errors {
					fields = append(fields, e.Field)
				}
				require.Equal(t, tc.fields, fields, tc.reason)
				return
			}
			var answer struct{ Results []Outcome }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			var results []string
			for _, o := range answer.Results {
				results = append(results, o.Result)
				require.Equal(t, o.Result == "Created", o.Issue == "issue-1")
			}
			require.Equal(t, tc.results, results, tc.reason)
		})
	}
}

func TestNamespaceOf(t *testing.T) {
	t.Parallel()
	require.Empty(t, namespaceOf(nil))
	require.Equal(t, "a", namespaceOf([]report.Report{{Namespace: "a"}, {Namespace: "a"}}))
	require.Empty(t, namespaceOf([]report.Report{{Namespace: "a"}, {Namespace: "b"}}))
}
