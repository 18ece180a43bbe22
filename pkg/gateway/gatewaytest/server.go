// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package gatewaytest tests sources of the gateway.
package gatewaytest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/workload"
	"kite.dev/kite/pkg/report"
	"kite.dev/kite/pkg/report/reporttest"
)

// Now is what the clock of a Server says.
var Now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// Server is a gateway with an API that takes everything, or answers with the Recorder's
// error.
type Server struct {
	*reporttest.Recorder

	Handler http.Handler
}

// New serves one source.
func New(source func(gateway.Reporter, *clocktesting.FakePassiveClock) []gateway.Source) *Server {
	c, clock := &gateway.Configuration{}, clocktesting.NewFakePassiveClock(Now)
	config.Default(c)
	s := &Server{Recorder: &reporttest.Recorder{Status: issuesv1alpha1.IssueReportStatus{
		Result: issuesv1alpha1.ResultCreated, Issues: []issuesv1alpha1.ReportedObject{{Name: "issue-1", UID: "uid-1"}},
	}}}
	s.Handler = gateway.NewHandler(c, clock, source(s.Recorder, clock)...)
	return s
}

// Symptoms is the built-in table.
func Symptoms(t testing.TB) *workload.Table {
	t.Helper()
	c := &gateway.Configuration{}
	config.Default(c)
	table, errs := workload.Compile(c.Symptoms, nil)
	require.Empty(t, errs)
	return table
}

// Post sends a body with a token; headers are pairs.
func (s *Server) Post(t testing.TB, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer token")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w
}

// RequireValid asks the API's own validation about what was reported. A time that lies
// ahead is the sender's.
func RequireValid(t testing.TB, reports []report.Report) {
	t.Helper()
	for _, r := range reports {
		sent := &issuesv1alpha1.IssueReport{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace}, Spec: r.Spec}
		errs := issuesv1alpha1.Validate_IssueReport(t.Context(), operation.Operation{Type: operation.Create}, nil, sent, nil)
		internal := &issues.IssueReport{}
		require.NoError(t, issuesv1alpha1.Convert_v1alpha1_IssueReport_To_issues_IssueReport(sent, internal, nil))
		for _, err := range append(errs, validation.ValidateIssueReport(internal, r.Spec.ObservedAt.Time)...) {
			require.Equal(t, field.NewPath("spec", "observedAt").String(), err.Field, "%v", err)
		}
	}
}
