// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/generated/clientset/versioned/fake"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/report/reporttest"
	"kite.dev/kite/pkg/rule"
)

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// server is the gateway with an API that takes everything, or answers with an error.
type server struct {
	reports *reporttest.Recorder
	handler http.Handler
}

func newServer(issues ...*issuesv1alpha1.Issue) *server {
	client := fake.NewClientset()
	for _, issue := range issues {
		_ = client.Tracker().Add(issue) // the scheme knows it
	}
	s := &server{reports: &reporttest.Recorder{Status: issuesv1alpha1.IssueReportStatus{
		Result: issuesv1alpha1.ResultCreated,
		Issues: []issuesv1alpha1.ReportedObject{{Name: "issue-1", UID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"}},
	}}}
	clock := clocktesting.NewFakePassiveClock(testTime)
	defaults := &gateway.Configuration{}
	config.Default(defaults)
	rules, _ := rule.Compile(defaults.Rules, nil) // the built-in ones have their own tests
	settings := Settings{LogURL: "https://console.example/{namespace}/{run}", Rules: rules}
	s.handler = gateway.NewHandler(defaults, clock, Sources(Config{
		Reports: s.reports, Issues: client.IssuesV1alpha1(), Clock: clock, Settings: func() Settings { return settings },
	})...)
	return s
}

// post sends a payload to a webhook of KITE.
func (s *server) post(t testing.TB, webhook, body string, edits ...func(*http.Request)) (int, map[string]any) {
	t.Helper()
	return s.do(t, http.MethodPost, "/api/v1/webhooks/"+webhook, body, edits...)
}

func (s *server) do(t testing.TB, method, path, body string, edits ...func(*http.Request)) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer token")
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body)
	return w.Code, answer
}

// report is the only one that was sent.
func (s *server) report(t testing.TB) report.Report {
	t.Helper()
	require.Len(t, s.reports.Reports(), 1)
	return s.reports.Reports()[0]
}

// fieldsOf lists the fields that a refusal names.
func fieldsOf(answer map[string]any) []string {
	var out []string
	list, _ := answer["errors"].([]any)
	for _, e := range list {
		member, _ := e.(map[string]any)
		name, _ := member["field"].(string)
		out = append(out, name)
	}
	return out
}
